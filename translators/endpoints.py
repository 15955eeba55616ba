"""ClusterLoadAssignments: the ready Pods of a backend in all attached members.

An endpoint is encoded once, with its slice; an assignment is a join of those bytes. Locality is the
member, for statistics; every Pod of a priority weighs the same.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fleet.models import EndpointSlice, Service, by_position
from fleet.problem import Problem
from fleet.ref import Ref
from translators.messages import (
    Address,
    ClusterLoadAssignment,
    ClusterLoadAssignmentPolicy,
    Endpoint,
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

OVERPROVISIONING: Final = 1_000_000
"""In percent: a single usable Pod of 10,000 keeps a priority fully available. With Envoy's default
of 140 a priority of which half the Pods are down leaks traffic to the next; and Envoy never panics
while the priorities together are fully available, however few Pods that takes."""


@dataclass(frozen=True, slots=True)
class PodEndpoint:
    """One ready endpoint on one port; `pod` is "" where the slice names none."""

    address: str
    port: int
    pod: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SliceEndpoints:
    """The ready endpoints of a slice by the name of the Service's port."""

    ports: tuple[tuple[str, tuple[PodEndpoint, ...]], ...]
    problems: tuple[Problem, ...] = ()

    def at(self, port_name: str) -> tuple[PodEndpoint, ...]:
        """The endpoints behind the port of this name."""
        return next((found for name, found in self.ports if name == port_name), ())

    def has(self, port_name: str) -> bool:
        """Whether it has a port of this name, ready endpoints or not."""
        return any(name == port_name for name, _ in self.ports)


def read_slice(ref: Ref, endpoint_slice: EndpointSlice) -> SliceEndpoints:
    """Read and encode the ready endpoints (`ready` true or absent) of a slice."""
    problems: list[Problem] = []
    hosts: list[tuple[str, str]] = []
    for i, endpoint in by_position(endpoint_slice.endpoints):
        if endpoint.conditions.ready is False or not endpoint.addresses:
            continue
        text = endpoint.addresses[0]
        address = _address(text)
        if address is None:
            key = f"endpoints[{i}].addresses[0]"
            expected, effect = "the IPv4 or IPv6 address of a Pod", "no traffic goes there"
            problems.append(Problem(ref, "InvalidAddress", key, text, expected, effect))
            continue
        target = endpoint.target_ref
        hosts.append((address, target.name if target and target.kind == "Pod" else ""))
    ports = tuple(
        (port.name, tuple(_encode(address, port.port, pod) for address, pod in hosts))
        for port in endpoint_slice.ports
        if port.port is not None and port.protocol == "TCP"
    )
    return SliceEndpoints(ports, tuple(problems))


def _address(text: str) -> str | None:
    """The address in its usual spelling; None where no Pod can have it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # "%eth0" names an interface of the machine that wrote it.
    if address.is_unspecified or address.is_multicast or "%" in text:
        return None
    return str(address)


def _encode(address: str, port: int, pod: str) -> PodEndpoint:
    socket = SocketAddress(address=address, port_value=port)
    body = encode(LbEndpoint(endpoint=Endpoint(address=Address(socket_address=socket))))
    return PodEndpoint(address, port, pod, body)


def find_port(service: Service, port: ServicePort) -> str | None:
    """The name of the Service's port ("" for a nameless one), which its slices carry too."""
    for candidate in service.spec.ports:
        if candidate.protocol != "TCP":
            continue
        if candidate.name == port.name if port.name else candidate.port == port.number:
            return candidate.name
    return None


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
    """What a backend lacks, if anything; the route stays and answers 503.

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
    pools: Mapping[str, Iterable[PodEndpoint]],
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
    return Assignment(Resource.of(name, body), lack)


def _locality(priority: int, member: str, bodies: list[bytes]) -> bytes:
    return splice(
        encode(LocalityLbEndpoints(locality=Locality(sub_zone=member))),
        _LB_ENDPOINTS,
        bodies,
        encode(LocalityLbEndpoints(priority=priority)),
    )
