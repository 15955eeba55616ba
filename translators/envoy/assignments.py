"""ClusterLoadAssignments: the ready Pods of a backend in all attached members.

An endpoint is encoded once, with its slice; an assignment joins the encoded endpoints. The locality
of an endpoint names its member, for statistics. All Pods of a priority have the same weight, unless
an Ingress gives weights to members: then a member is chosen by its weight, and one of its Pods.

Where endpoints stand for the Pods of a member, each endpoint has a weight: that of its Pods.

Terminating Pods that still serve are the last resort, as in kube-proxy: they are used while no
member has a ready Pod. They are marked as degraded, so that Envoy prefers a healthy Pod of the
backend that follows in an aggregate, such as the main of a canary.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fleet.problem import Problem
from translators.envoy.member_gateways import BY_MEMBER, MEMBER
from translators.envoy.messages import (
    Address,
    ClusterLoadAssignment,
    ClusterLoadAssignmentPolicy,
    Endpoint,
    EndpointHealthCheckConfig,
    HealthStatus,
    LbEndpoint,
    Locality,
    LocalityLbEndpoints,
    Metadata,
    SocketAddress,
)
from translators.model.division import BY_PODS, Division
from translators.model.endpoints import POD_WEIGHT, Lack, ServingEndpoint, StandIn
from xds.resource import Resource
from xds.wire import encode, field, splice, struct

_LB_ENDPOINTS: Final = 2  # LocalityLbEndpoints.lb_endpoints

_LB_ENDPOINT: Final = 1  # LbEndpoint.endpoint
_ADDRESS: Final = 1  # Endpoint.address
_SOCKET_ADDRESS: Final = 1  # Address.socket_address

_ENDPOINTS: Final = 2  # ClusterLoadAssignment.endpoints

OVERPROVISIONING: Final = 1_000_000
"""The overprovisioning factor in percent: one usable Pod of 10,000 keeps a priority available.

With Envoy's default of 140, a priority with half of its Pods down sends traffic to the next one.
Envoy also never panics while the priorities together are fully available. A member keeps its weight
in the same way, while it has a usable Pod."""

_DEGRADED: Final = encode(LbEndpoint(health_status=HealthStatus.DEGRADED))
"""Behind an encoded endpoint, this makes it a degraded one."""


_AS_ONE_POD: Final = encode(LbEndpoint(load_balancing_weight=POD_WEIGHT))
"""Behind an encoded Pod, this gives it its weight among endpoints that stand for several Pods."""

_UNCHECKED: Final = encode(
    LbEndpoint(
        endpoint=Endpoint(
            health_check_config=EndpointHealthCheckConfig(disable_active_health_check=True)
        )
    )
)
"""Behind an encoded endpoint, this keeps active health checks away from it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """An encoded ClusterLoadAssignment, and the reason why it has no ready endpoints.

    EDS takes IP addresses only, so the Cluster of an assignment with DNS names carries it itself:
    it is `by_names`. `unreached` tells of members whose ready Pods get no request.
    """

    resource: Resource
    lack: Lack
    by_names: bool = False
    unreached: tuple[Problem, ...] = ()


def encode_endpoint(address: str, port: int, *, degraded: bool) -> bytes:
    """Encode an endpoint. Envoy uses a degraded one only while no healthy one is left."""
    socket = SocketAddress(address=address, port_value=port)
    return encode(
        LbEndpoint(
            endpoint=Endpoint(address=Address(socket_address=socket)),
            health_status=HealthStatus.DEGRADED if degraded else HealthStatus.UNKNOWN,
        )
    )


def encode_node(address: str, port: int, weight: int, *, degraded: bool) -> bytes:
    """Encode a node that stands for Pods.

    A changed node concerns many backends, which have its address and ports of their own in common.
    So the parts are encoded once, and joined.
    """
    socket = _address_of(address) + _port_of(port)
    endpoint = field(_LB_ENDPOINT, field(_ADDRESS, field(_SOCKET_ADDRESS, socket)))
    return endpoint + (_DEGRADED if degraded else b"") + _weighing(weight)


@lru_cache(maxsize=4096)
def _address_of(address: str) -> bytes:
    return encode(SocketAddress(address=address))


@lru_cache(maxsize=4096)
def _port_of(port: int) -> bytes:
    return encode(SocketAddress(port_value=port))


def encode_gateway(member: str, host: str, port: int, weight: int, *, degraded: bool) -> bytes:
    """Encode the ingress of a member that stands for its Pods.

    It is not checked, because it answers a check for whatever host it likes.
    """
    whose = LbEndpoint(metadata=Metadata(filter_metadata={BY_MEMBER: struct({MEMBER: member})}))
    ingress = encode_endpoint(host, port, degraded=degraded)
    return ingress + _UNCHECKED + encode(whose) + _weighing(weight)


@lru_cache(maxsize=1024)
def _weighing(weight: int) -> bytes:
    return encode(LbEndpoint(load_balancing_weight=weight))


def assign(
    name: str,
    pools: Mapping[str, Sequence[ServingEndpoint]],
    preferred: Callable[[str, ServingEndpoint], bool],
    lack: Lack,
    division: Division = BY_PODS,
    behind: bytes = b"",
    *,
    by_names: bool = False,
    checked: bool = False,
) -> Assignment:
    """Make the assignment `name` from the endpoints of each member.

    Preferred endpoints have priority 0. The others have priority 1, and are used while no preferred
    one is usable. An address that occurs several times counts once; it is preferred if one of its
    occurrences is. `behind` are encoded fields that each Pod has too, about its health checks.
    If the Pods are `checked`, Envoy warms their Cluster until each of them was asked. So the
    resource has a prelude, in which they are not checked.

    If the weights of `division` are empty, all Pods of a priority stand in one locality, so that
    the Cluster divides requests as one without weights. With `by_names` they stand in a locality
    for each member nevertheless, whose weight is the number of its Pods. If there are several
    tiers, each of the two priorities is divided into one for each tier.
    """
    weights, tiers, top = division.weights, division.tiers, division.top
    one_pool = weights is not None and not weights and not by_names
    mixed = any(each and isinstance(each[0], StandIn) for each in pools.values())
    claims = sorted(
        (
            (0 if preferred(member, one) else top + 1) + tiers.get(member, 0),
            member,
            one.address,
            one.port,
            _body(one, behind, mixed=mixed),
            one.weight,
        )
        for member, endpoints in pools.items()
        for one in endpoints
    )
    seen: set[tuple[str, int]] = set()
    localities: dict[tuple[int, str], list[bytes]] = {}
    weight_of_pods: Counter[tuple[int, str]] = Counter()
    for priority, member, address, port, encoded, weight in claims:
        if (address, port) not in seen:
            seen.add((address, port))
            at = (priority, "" if one_pool else member)
            localities.setdefault(at, []).append(encoded)
            weight_of_pods[at] += weight
    ready = _last_kept_ready((priority for priority, _ in localities), division)
    factor = (division.overprovisioning if top else None) or OVERPROVISIONING

    def resource(more: bytes = b"", prelude: Resource | None = None) -> Resource:
        body = splice(
            encode(ClusterLoadAssignment(cluster_name=name)),
            _ENDPOINTS,
            [
                _locality(
                    priority,
                    member,
                    _with(bodies, more if ready is None or priority <= ready else more + _DEGRADED),
                    None
                    if weights is None
                    else weights.get(
                        member, max(1, round(weight_of_pods[priority, member] / POD_WEIGHT))
                    ),
                )
                for (priority, member), bodies in localities.items()
            ],
            _policy(factor),
        )
        return Resource.of(name, body, prelude=prelude)

    if lack is Lack.NOTHING and not seen:
        lack = Lack.ENDPOINTS
    elif lack is Lack.NOTHING and all(one.terminating for each in pools.values() for one in each):
        lack = Lack.READY
    prelude = resource(_UNCHECKED) if checked and seen else None
    return Assignment(resource(prelude=prelude), lack, by_names)


def _body(one: ServingEndpoint, behind: bytes, *, mixed: bool) -> bytes:
    """Return an encoded endpoint with its weight, and with what checks of it need.

    A node has no port for checks of its own, so it is not checked where Pods have one.
    """
    if isinstance(one, StandIn):
        return one.body + (_UNCHECKED if behind else b"")
    return one.body + behind + (_AS_ONE_POD if mixed else b"")


def _last_kept_ready(priorities: Iterable[int], division: Division) -> int | None:
    """Return the priority behind which Pods are marked as degraded; None if no Pod is.

    A client whose cookie names a Pod of the last tier stays there unless the Pod is degraded. Envoy
    prefers healthy Pods of any priority to degraded ones, so only Pods behind all others may be. In
    an aggregate, the Pods of the backends that follow are such others.
    """
    if division.followed:
        return None
    tiers = division.top + 1
    return max((each for each in priorities if each % tiers < division.top), default=None)


@lru_cache(maxsize=64)
def _policy(factor: int) -> bytes:
    policy = ClusterLoadAssignmentPolicy(overprovisioning_factor=factor)
    return encode(ClusterLoadAssignment(policy=policy))


def _with(bodies: list[bytes], more: bytes) -> list[bytes]:
    return [body + more for body in bodies] if more else bodies


def _locality(priority: int, member: str, bodies: list[bytes], weight: int | None) -> bytes:
    return splice(
        encode(LocalityLbEndpoints(locality=Locality(sub_zone=member))),
        _LB_ENDPOINTS,
        bodies,
        encode(LocalityLbEndpoints(load_balancing_weight=weight, priority=priority)),
    )
