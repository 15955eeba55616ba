"""ClusterLoadAssignments: the ready Pods of a backend in all attached members.

An endpoint is encoded once, with its slice; an assignment is a join of those bytes. Locality is the
member, for statistics; every Pod of a priority weighs the same.

Pods that are terminating and still serve are the last resort, as kube-proxy has it: they stand in
where no member has a ready one. Envoy is told that they are degraded, so a healthy Pod of whatever
serves next (the main of a canary) comes first.
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
"""In percent: a single usable Pod of 10,000 keeps a priority fully available. With Envoy's default
of 140 a priority of which half the Pods are down leaks traffic to the next; and Envoy never panics
while the priorities together are fully available, however few Pods that takes."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A ClusterLoadAssignment, ready to send, and what it lacks."""

    resource: Resource
    lack: Lack


def encode_endpoint(address: str, port: int, *, degraded: bool) -> bytes:
    """An endpoint of an assignment; Envoy asks a degraded one where no healthy one is left."""
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
