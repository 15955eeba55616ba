"""ClusterLoadAssignments: the ready Pods of a backend in all attached members.

An endpoint is encoded once, with its slice; an assignment is a join of those bytes. Locality is the
member, for statistics; every Pod of a priority weighs the same.

Pods that are terminating and still serve are the last resort, as kube-proxy has it: they stand in
where no member has a ready one. Envoy is told that they are degraded, so a healthy Pod of whatever
serves next (the main of a canary) comes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from fleet.models import Endpoint as SliceEndpoint
from fleet.models import EndpointSlice, Service, by_position
from fleet.pod_addresses import NotOfAPod, PodAddresses
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.messages import (
    Address,
    ClusterLoadAssignment,
    ClusterLoadAssignmentPolicy,
    Endpoint,
    HealthStatus,
    LbEndpoint,
    Locality,
    LocalityLbEndpoints,
    SocketAddress,
)
from translators.model import ServicePort
from xds.resource import Resource
from xds.wire import encode, splice

EXTERNAL_NAME: Final = "ExternalName"
"""The type of a Service that is another name for a host outside of the cluster."""

_LB_ENDPOINTS: Final = 2  # LocalityLbEndpoints.lb_endpoints
_ENDPOINTS: Final = 2  # ClusterLoadAssignment.endpoints

MAX_PROBLEMS: Final = 5
"""Endpoints of one slice that have a problem of their own; of more, the number is told."""

_LONG: Final = 200

OVERPROVISIONING: Final = 1_000_000
"""In percent: a single usable Pod of 10,000 keeps a priority fully available. With Envoy's default
of 140 a priority of which half the Pods are down leaks traffic to the next; and Envoy never panics
while the priorities together are fully available, however few Pods that takes."""


@dataclass(frozen=True, slots=True)
class PodEndpoint:
    """One endpoint that serves on one port; `pod` is "" where the slice names none.

    It is ready, or else `terminating`.
    """

    address: str
    port: int
    pod: str
    body: bytes
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class SliceEndpoints:
    """The endpoints of a slice that serve, by the name of the Service's port."""

    ports: tuple[tuple[str, tuple[PodEndpoint, ...]], ...]
    problems: tuple[Problem, ...] = ()

    def at(self, port_name: str) -> tuple[PodEndpoint, ...]:
        """The endpoints behind the port of this name."""
        return next((found for name, found in self.ports if name == port_name), ())

    def has(self, port_name: str) -> bool:
        """Whether it has a port of this name, ready endpoints or not."""
        return any(name == port_name for name, _ in self.ports)


class _Host(NamedTuple):
    """An endpoint on whichever of the slice's ports."""

    address: str
    pod: str
    terminating: bool


def read_slice(ref: Ref, endpoint_slice: EndpointSlice, allowed: PodAddresses) -> SliceEndpoints:
    """Read and encode the endpoints of a slice that serve."""
    problems: list[Problem] = []
    hosts: list[_Host] = []
    for i, endpoint in by_position(endpoint_slice.endpoints):
        is_terminating = endpoint.conditions.ready is False
        if (is_terminating and not _is_last_resort(endpoint)) or not endpoint.addresses:
            continue
        try:
            address = allowed.spell(endpoint.addresses[0])
        except NotOfAPod as e:
            problems.append(_no_pod(ref, i, endpoint.addresses[0], str(e)))
            continue
        target = endpoint.target_ref
        pod = target.name if target and target.kind == "Pod" else ""
        hosts.append(_Host(address, pod, is_terminating))
    ports = tuple(
        (port.name, tuple(_encode(host, port.port) for host in hosts))
        for port in endpoint_slice.ports
        if port.port is not None and port.protocol == "TCP"
    )
    return SliceEndpoints(ports, _some(problems))


def _is_last_resort(unready: SliceEndpoint) -> bool:
    """Whether an endpoint that is not ready may still be asked where nobody else can."""
    conditions = unready.conditions
    return conditions.terminating is True and conditions.serving is not False


def _no_pod(ref: Ref, position: int, text: str, expected: str) -> Problem:
    key, effect = f"endpoints[{position}].addresses[0]", "no traffic goes there"
    return Problem(ref, "InvalidAddress", key, text[:_LONG], expected, effect)


def more_slices(member: str, count: int) -> Problem:
    """The problem of a member that has so many more slices with problems than are told."""
    at = Ref(HUB, "Member", "", member)
    value, expected = f"{count} more EndpointSlices", "addresses of Pods"
    return Problem(at, "InvalidAddress", "endpoints", value, expected, "no traffic goes there")


def _some(problems: list[Problem]) -> tuple[Problem, ...]:
    """The first of the problems of a slice, and how many more there are."""
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return tuple(problems)
    first = problems[0]
    rest = Problem(
        first.at, first.reason, "endpoints", f"{more} more", "addresses of Pods", first.effect
    )
    return (*problems[:MAX_PROBLEMS], rest)


def _encode(host: _Host, port: int) -> PodEndpoint:
    socket = SocketAddress(address=host.address, port_value=port)
    body = encode(
        LbEndpoint(
            endpoint=Endpoint(address=Address(socket_address=socket)),
            health_status=HealthStatus.DEGRADED if host.terminating else HealthStatus.UNKNOWN,
        )
    )
    return PodEndpoint(host.address, port, host.pod, body, host.terminating)


def find_port(service: Service, port: ServicePort) -> str | None:
    """The name of the Service's port ("" for a nameless one), which its slices carry too."""
    for candidate in service.spec.ports:
        if candidate.protocol != "TCP":
            continue
        if candidate.name == port.name if port.name else candidate.port == port.number:
            return candidate.name
    return None


def in_use(pools: Mapping[str, Sequence[PodEndpoint]]) -> dict[str, list[PodEndpoint]]:
    """Of the endpoints of each member: the ready ones, or the last resort where nobody has any."""
    last_resort = all(each.terminating for endpoints in pools.values() for each in endpoints)
    return {
        member: [each for each in endpoints if each.terminating is last_resort]
        for member, endpoints in pools.items()
    }


def one_family(service: Service, endpoints: list[PodEndpoint]) -> list[PodEndpoint]:
    """The endpoints of a member's Service, without the second address of a Pod in two IP families.

    What stays is of the Service's primary family, which is IPv4 where it names none, unless the Pod
    is ready in the other one alone. Addresses that no Pod stands behind stay as they are.
    """
    ipv6 = [each for each in endpoints if ":" in each.address]
    if not ipv6 or len(ipv6) == len(endpoints):
        return endpoints
    ipv4 = [each for each in endpoints if ":" not in each.address]
    is_ipv6_first = service.spec.ip_families[:1] == ("IPv6",)
    primary, others = (ipv6, ipv4) if is_ipv6_first else (ipv4, ipv6)
    pods = {each.pod for each in primary if each.pod}
    return primary + [each for each in others if each.pod not in pods]


class Lack(Enum):
    """What a backend lacks, if anything; but for READY, its route stays and answers 503.

    Where members differ, the last one of these counts: it is the nearest to serving.
    """

    MEMBERS = "the gateway has no members"
    SERVICE = "no attached member has this Service"
    EXTERNAL_NAME = "a Service of type ExternalName has no Pods"
    PORT = "the Service has no such port in any attached member"
    SELECTOR = "the Service has no selector, and nobody has written an EndpointSlice for it"
    HEADLESS = "the headless Service has no EndpointSlice in any attached member"
    SLICES = "the Service has no EndpointSlice in any attached member"
    SLICE_PORT = "no EndpointSlice of the Service has a port of the Service port's name"
    ENDPOINTS = "the Service has no ready Pod in any attached member"
    READY = "the Service has only Pods that are terminating in the attached members"
    NOTHING = ""

    def or_nearer(self, other: "Lack") -> "Lack":
        """The one of two that is nearer to serving."""
        return max(self, other, key=_ORDER.index)


_ORDER: Final = tuple(Lack)


def lack_of(service: Service, port_name: str, slices: Iterable[SliceEndpoints]) -> Lack:
    """What a member's Service lacks that has no endpoint on its port, by its slices."""
    known = tuple(slices)
    # One that Kubernetes writes for a Service without Pods has no ports at all.
    named = [each for each in known if each.ports]
    if named and not any(each.has(port_name) for each in named):
        return Lack.SLICE_PORT
    if known:
        return Lack.ENDPOINTS
    if not service.spec.selects:
        return Lack.SELECTOR
    return Lack.HEADLESS if service.spec.cluster_ip == "None" else Lack.SLICES


@dataclass(frozen=True, slots=True)
class Assignment:
    """A ClusterLoadAssignment, ready to send, and what it lacks."""

    resource: Resource
    lack: Lack


def assign(
    name: str,
    pools: Mapping[str, Sequence[PodEndpoint]],
    preferred: Callable[[str, PodEndpoint], bool],
    lack: Lack,
) -> Assignment:
    """Make the assignment `name` of the endpoints of each member.

    Preferred ones have priority 0, the others stand by at priority 1 until none of the preferred is
    usable. An address counts once, whoever else claims it, and is preferred if any claim of it is.
    """
    claims = sorted(
        (0 if preferred(member, one) else 1, member, one.address, one.port, one.body)
        for member, endpoints in pools.items()
        for one in endpoints
    )
    seen: set[tuple[str, int]] = set()
    localities: dict[tuple[int, str], list[bytes]] = {}
    for priority, member, address, port, encoded in claims:
        if (address, port) not in seen:
            seen.add((address, port))
            localities.setdefault((priority, member), []).append(encoded)
    body = splice(
        encode(ClusterLoadAssignment(cluster_name=name)),
        _ENDPOINTS,
        [_locality(*key, bodies) for key, bodies in localities.items()],
        encode(
            ClusterLoadAssignment(
                policy=ClusterLoadAssignmentPolicy(overprovisioning_factor=OVERPROVISIONING)
            )
        ),
    )
    if lack is Lack.NOTHING and not seen:
        lack = Lack.ENDPOINTS
    elif lack is Lack.NOTHING and all(one.terminating for each in pools.values() for one in each):
        lack = Lack.READY
    return Assignment(Resource.of(name, body), lack)


def _locality(priority: int, member: str, bodies: list[bytes]) -> bytes:
    return splice(
        encode(LocalityLbEndpoints(locality=Locality(sub_zone=member))),
        _LB_ENDPOINTS,
        bodies,
        encode(LocalityLbEndpoints(priority=priority)),
    )
