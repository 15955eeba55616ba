"""ClusterLoadAssignments: the ready Pods of a backend in all attached members.

An endpoint is encoded once, with its slice; an assignment joins the encoded endpoints. The locality
of an endpoint names its member, for statistics. All Pods of a priority have the same weight.

Terminating Pods that still serve are the last resort, as in kube-proxy: they are used while no
member has a ready Pod. They are marked as degraded, so that Envoy prefers a healthy Pod of the
backend that follows in an aggregate, such as the main of a canary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from translators.envoy.messages import (
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
from translators.model.endpoints import Lack, PodEndpoint
from xds.resource import Resource
from xds.wire import encode, splice

_LB_ENDPOINTS: Final = 2  # LocalityLbEndpoints.lb_endpoints

_ENDPOINTS: Final = 2  # ClusterLoadAssignment.endpoints

OVERPROVISIONING: Final = 1_000_000
"""The overprovisioning factor in percent: one usable Pod of 10,000 keeps a priority available.

With Envoy's default of 140, a priority with half of its Pods down sends traffic to the next one.
Envoy also never panics while the priorities together are fully available."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """An encoded ClusterLoadAssignment, and the reason why it has no ready endpoints."""

    resource: Resource
    lack: Lack


def encode_endpoint(address: str, port: int, *, degraded: bool) -> bytes:
    """Encode an endpoint. Envoy uses a degraded one only while no healthy one is left."""
    socket = SocketAddress(address=address, port_value=port)
    return encode(
        LbEndpoint(
            endpoint=Endpoint(address=Address(socket_address=socket)),
            health_status=HealthStatus.DEGRADED if degraded else HealthStatus.UNKNOWN,
        )
    )


def assign(
    name: str,
    pools: Mapping[str, Sequence[PodEndpoint]],
    preferred: Callable[[str, PodEndpoint], bool],
    lack: Lack,
    behind: bytes = b"",
) -> Assignment:
    """Make the assignment `name` from the endpoints of each member.

    Preferred endpoints have priority 0. The others have priority 1, and are used while no preferred
    one is usable. An address that occurs several times counts once; it is preferred if one of its
    occurrences is. `behind` are encoded fields that each endpoint has too.
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
            localities.setdefault((priority, member), []).append(encoded + behind)
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
