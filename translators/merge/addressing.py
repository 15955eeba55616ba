"""Endpoints in the place of Pods that a gateway does not reach: nodes, or a member's own ingress.

Requests are divided by Pods in any case. So each of these endpoints has a weight, which is
POD_WEIGHT for each Pod behind it. A member without a Pod has no such endpoint.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.address import is_ip
from fleet.member_settings import MemberGateway
from fleet.models import Service
from fleet.problem import Problem
from fleet.ref import Ref
from translators.envoy.assignments import encode_gateway, encode_node
from translators.merge.ingress_status import REASONS
from translators.merge.nodes import UsableNode
from translators.model.bounds import MAX_COUNTED_PODS
from translators.model.endpoints import POD_WEIGHT, Lack, PodEndpoint, StandIn

LOCAL: Final = "Local"
"""The externalTrafficPolicy of a Service whose nodes send requests to their own Pods only."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The endpoints of one member in the place of its Pods, and why there are none."""

    endpoints: tuple[StandIn, ...] = ()
    lack: Lack = Lack.NOTHING


def node_port(service: Service, port_name: str) -> int:
    """Return the node port of a Service's port; 0 if it has none."""
    ports = (p for p in service.spec.ports if p.protocol == "TCP" and p.name == port_name)
    port = next(ports, None)
    return port.node_port if port and 0 < port.node_port < 65536 else 0


def is_local(service: Service) -> bool:
    """Return whether each node of the Service sends requests to its own Pods only."""
    return service.spec.external_traffic_policy == LOCAL


def nodes_with_pods(pods: Iterable[PodEndpoint]) -> list[str]:
    """Return the names of the nodes on which the Pods run, sorted."""
    return sorted({pod.node for pod in pods if pod.node})


def at_nodes(
    service: Service, port: int, pods: Sequence[PodEndpoint], nodes: Sequence[UsableNode]
) -> Reached:
    """Reach Pods of a member by these nodes of it, at the node port of the Service."""
    if not pods:
        return Reached()
    if not port:
        return Reached(lack=Lack.NODE_PORT)
    weights = _weights(service, pods, nodes)
    terminating = pods[0].terminating
    reached = [
        StandIn(
            address,
            port,
            weights[node.name],
            encode_node(address, port, weights[node.name], degraded=terminating),
            terminating,
        )
        for node in nodes
        if node.name in weights and (address := node.address_for(service))
    ]
    return Reached(tuple(reached)) if reached else Reached(lack=Lack.NODES)


def at_gateway(member: str, gateway: MemberGateway, pods: Sequence[PodEndpoint]) -> Reached:
    """Reach Pods of a member by its own ingress."""
    if not pods:
        return Reached()
    weight = POD_WEIGHT * _count(pods)
    terminating = pods[0].terminating
    body = encode_gateway(member, gateway.host, gateway.port, weight, degraded=terminating)
    named = not is_ip(gateway.host)
    one = StandIn(gateway.host, gateway.port, weight, body, terminating, named)
    return Reached((one,))


def each_once(reached: Mapping[str, Reached]) -> dict[str, Reached]:
    """Leave out a member that has only addresses of members before it, in the order of their IDs.

    Envoy keeps one endpoint of an address in a Cluster, whatever member or server name it is for.
    """
    taken: set[tuple[str, int]] = set()
    kept = {}
    for member, each in sorted(reached.items()):
        own = {(one.address, one.port) for one in each.endpoints}
        is_left_out = bool(own) and own <= taken
        kept[member] = Reached(lack=Lack.SHARED) if is_left_out else each
        taken |= own
    return kept


def nearest(lacks: Iterable[Lack]) -> Lack:
    """Return the lack that is nearest to serving; NOTHING if there are none."""
    found = Lack.MEMBERS
    for each in lacks:
        found = found.or_nearer(each)
    return Lack.NOTHING if found is Lack.MEMBERS else found


_UNREACHED: Final[Mapping[Lack, tuple[str, str]]] = {
    Lack.NODE_PORT: ("spec.ports", "a node port, since requests reach this member by its nodes"),
    Lack.NODES: (
        "nodes",
        "a ready node with an address, since requests reach this member by its nodes",
    ),
    Lack.SHARED: (
        "gateway-address",
        "requests to reach this member by an address that no other member has",
    ),
}
"""The key and the expectation of a Service of a member whose ready Pods get no request."""


def unreached(service: Ref, lack: Lack) -> Problem:
    """Report a Service of a member whose Pods get no request, although they are ready."""
    key, expected = _UNREACHED[lack]
    effect = f"no request goes to its Pods in {service.origin}"
    return Problem(service, REASONS[lack], key, "", expected, effect)


def _weights(
    service: Service, pods: Sequence[PodEndpoint], nodes: Sequence[UsableNode]
) -> Mapping[str, int]:
    """Return the weights of nodes by name. A node that has none gets no request."""
    if is_local(service):
        distinct = {(pod.address, pod.port): pod.node for pod in pods}
        counts = Counter(distinct.values())
        return {node: POD_WEIGHT * min(n, MAX_COUNTED_PODS) for node, n in counts.items() if node}
    names = [node.name for node in nodes if node.address_for(service)]
    if not names:
        return {}
    return dict.fromkeys(names, max(1, round(POD_WEIGHT * _count(pods) / len(names))))


def _count(pods: Iterable[PodEndpoint]) -> int:
    """Count Pods. One that stands in two slices counts once."""
    return min(len({(pod.address, pod.port) for pod in pods}), MAX_COUNTED_PODS)
