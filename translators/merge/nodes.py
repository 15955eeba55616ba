"""Nodes of a member: which of them take requests for its Pods, and which a Service uses."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import Final

from fleet.models import Node, Service, by_position
from fleet.pod_addresses import NotOfAPod, PodAddresses
from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.bounds import MAX_NODES

EXCLUDED: Final = "node.kubernetes.io/exclude-from-external-load-balancers"
"""A node with this label takes no requests from outside, whatever the label's value is."""

PLACES: Final = 256
"""The number of places on a ring of nodes. Services of one place use the same nodes.

A changed node concerns only the Services of places that use it."""

_TYPES: Final = ("InternalIP", "ExternalIP")

_LONG: Final = 200


@dataclass(frozen=True, slots=True)
class UsableNode:
    """A node that takes requests, with its address in each IP family; "" if it has none there."""

    name: str
    ipv4: str = ""
    ipv6: str = ""

    def address_for(self, service: Service) -> str:
        """Return the address at which the Service's node port is open; "" if there is none.

        The Service's primary family is preferred. One that names no family may have any.
        """
        families = service.spec.ip_families or ("IPv4", "IPv6")
        by_family = {"IPv4": self.ipv4, "IPv6": self.ipv6}
        return next((by_family[each] for each in families if by_family[each]), "")


@dataclass(frozen=True, slots=True)
class NodeReading:
    """A node as it was read; `node` is None if it takes no requests."""

    node: UsableNode | None
    problems: tuple[Problem, ...] = ()


_UNUSED: Final = NodeReading(None)


def read_node(ref: Ref, node: Node, allowed: PodAddresses) -> NodeReading:
    """Read a node: it takes requests if it is ready and nobody has excluded it.

    Its address is an InternalIP, or else an ExternalIP. One that no machine of a network can have
    is refused. A node is in none of the networks of Pods, so these do not count.
    """
    is_ready = any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
    if not is_ready or EXCLUDED in node.metadata.labels:
        return _UNUSED
    anywhere = replace(allowed, networks=())
    problems: list[Problem] = []
    found: dict[bool, str] = {}
    for kind in _TYPES:
        for i, each in by_position(node.status.addresses):
            if each.type != kind:
                continue
            try:
                address = anywhere.spell(each.address)
            except NotOfAPod:
                problems.append(_no_address(ref, i, each.address))
            else:
                found.setdefault(":" in address, address)
    if not found:
        return NodeReading(None, tuple(problems))
    return NodeReading(
        UsableNode(ref.name, found.get(False, ""), found.get(True, "")), tuple(problems)
    )


@dataclass(frozen=True, slots=True)
class _Circle:
    """Nodes in an order that has nothing to do with their names; `starts` are their positions."""

    starts: tuple[int, ...]
    nodes: tuple[UsableNode, ...]

    @classmethod
    def of(cls, nodes: Iterable[UsableNode]) -> "_Circle":
        ordered = sorted((_position(node.name), node.name, node) for node in nodes)
        return cls(tuple(at for at, *_ in ordered), tuple(node for *_, node in ordered))

    def at(self, place: int) -> tuple[UsableNode, ...]:
        first = bisect_left(self.starts, (place << 64) // PLACES)
        turned = self.nodes[first:] + self.nodes[:first]
        return turned[:MAX_NODES]


@dataclass(frozen=True, slots=True)
class Ring:
    """The usable nodes of a member, with those of each IP family in a circle of their own.

    A node that comes or goes leaves all others where they are.
    """

    ipv4: _Circle
    ipv6: _Circle

    @classmethod
    def of(cls, nodes: Sequence[UsableNode]) -> "Ring":
        """Put nodes on a ring."""
        return cls(
            _Circle.of(node for node in nodes if node.ipv4),
            _Circle.of(node for node in nodes if node.ipv6),
        )

    def at(self, place: int) -> tuple[UsableNode, ...]:
        """Return the nodes for the Services of a place: MAX_NODES at most of each IP family."""
        return tuple(dict.fromkeys(self.ipv4.at(place) + self.ipv6.at(place)))


def used_by(service: Service, nodes: Iterable[UsableNode]) -> list[UsableNode]:
    """Return those of the nodes of its place that a Service uses, MAX_NODES at most."""
    return list(islice((node for node in nodes if node.address_for(service)), MAX_NODES))


def place_of(namespace: str, service: str) -> int:
    """Return the place of a Service on the rings of all members."""
    return _position(f"{namespace}/{service}") * PLACES >> 64


def _position(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _no_address(ref: Ref, position: int, text: str) -> Problem:
    key = f"status.addresses[{position}].address"
    expected, effect = "an IPv4 or IPv6 address of a machine", "no traffic goes there"
    return Problem(ref, "InvalidAddress", key, text[:_LONG], expected, effect)
