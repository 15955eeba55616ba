"""ClusterLoadAssignments: the ready Pods of a backend in all attached members.

An endpoint is encoded once, with its slice; an assignment joins the encoded endpoints. The locality
of an endpoint names its member, for statistics. All Pods of a priority have the same weight, unless
an Ingress gives weights to members: then a member is chosen by its weight, and one of its Pods.

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
from translators.model.nearness import NO_TIERS
from xds.resource import Resource
from xds.wire import encode, splice

_LB_ENDPOINTS: Final = 2  # LocalityLbEndpoints.lb_endpoints

_ENDPOINTS: Final = 2  # ClusterLoadAssignment.endpoints

OVERPROVISIONING: Final = 1_000_000
"""The overprovisioning factor in percent: one usable Pod of 10,000 keeps a priority available.

With Envoy's default of 140, a priority with half of its Pods down sends traffic to the next one.
Envoy also never panics while the priorities together are fully available. A member keeps its weight
in the same way, while it has a usable Pod."""

_DEGRADED: Final = encode(LbEndpoint(health_status=HealthStatus.DEGRADED))
"""Behind an encoded endpoint, this makes it a degraded one."""


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
    weights: Mapping[str, int] | None = None,
    behind: bytes = b"",
    tiers: Mapping[str, int] = NO_TIERS,
    overprovisioning: int | None = None,
) -> Assignment:
    """Make the assignment `name` from the endpoints of each member.

    Preferred endpoints have priority 0. The others have priority 1, and are used while no preferred
    one is usable. An address that occurs several times counts once; it is preferred if one of its
    occurrences is. `behind` are encoded fields that each endpoint has too.

    `weights` are those of members, for a Cluster that goes by them. If the mapping is empty, all
    Pods of a priority stand in one locality, so that the Cluster divides requests as one without
    weights.

    `tiers` are those of members, if they are not all in tier 0: the two priorities are divided into
    one for each tier. `overprovisioning` is in percent, and holds where there are tiers.
    """
    top = max(tiers.values(), default=0)
    one_pool = weights is not None and not weights
    claims = sorted(
        (
            (0 if preferred(member, one) else top + 1) + tiers.get(member, 0),
            member,
            one.address,
            one.port,
            one.body,
        )
        for member, endpoints in pools.items()
        for one in endpoints
    )
    seen: set[tuple[str, int]] = set()
    localities: dict[tuple[int, str], list[bytes]] = {}
    for priority, member, address, port, encoded in claims:
        if (address, port) not in seen:
            seen.add((address, port))
            at = (priority, "" if one_pool else member)
            localities.setdefault(at, []).append(encoded + behind)
    # Clients whose cookie names a Pod of the last tier stay there unless it is degraded. Envoy
    # prefers healthy Pods of any priority to degraded ones, so only Pods behind all others may be.
    before = [priority for priority, _ in localities if priority % (top + 1) < top]
    last = max(before, default=None)
    factor = overprovisioning if overprovisioning and top else OVERPROVISIONING
    body = splice(
        encode(ClusterLoadAssignment(cluster_name=name)),
        _ENDPOINTS,
        [
            _locality(
                priority,
                member,
                bodies if last is None or priority <= last else _degraded(bodies),
                None if weights is None else weights.get(member, len(bodies)),
            )
            for (priority, member), bodies in localities.items()
        ],
        encode(
            ClusterLoadAssignment(
                policy=ClusterLoadAssignmentPolicy(overprovisioning_factor=factor)
            )
        ),
    )
    if lack is Lack.NOTHING and not seen:
        lack = Lack.ENDPOINTS
    elif lack is Lack.NOTHING and all(one.terminating for each in pools.values() for one in each):
        lack = Lack.READY
    return Assignment(Resource.of(name, body), lack)


def _degraded(bodies: list[bytes]) -> list[bytes]:
    return [body + _DEGRADED for body in bodies]


def _locality(priority: int, member: str, bodies: list[bytes], weight: int | None) -> bytes:
    return splice(
        encode(LocalityLbEndpoints(locality=Locality(sub_zone=member))),
        _LB_ENDPOINTS,
        bodies,
        encode(LocalityLbEndpoints(load_balancing_weight=weight, priority=priority)),
    )
