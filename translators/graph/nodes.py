"""The tables of nodes: those of each member that take requests, and which of them Services use.

    nodes ─▶ node readings ─▶ rings of members ─▶ chosen nodes, by place on the ring

A changed node concerns the places that use it. The assignments of other places stay as they are.
"""

from collections.abc import Iterator
from typing import Final

from fleet.member_settings import Addressing, MemberSettings
from fleet.problem import Problem
from fleet.ref import Ref
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.inputs import Inputs
from translators.merge.nodes import PLACES, NodeReading, Ring, UsableNode, place_of, read_node

_NOT_ASKED: Final = MemberSettings()


class NodeTables:
    """The nodes of members that are reached by node ports."""

    def __init__(self, graph: Graph, inputs: Inputs) -> None:
        self._inputs = inputs
        self._readings = Derived(graph, "node readings", inputs.nodes, self._reading)
        self._of_members = Index(graph, "nodes of members", self._readings, _by_member)
        self._rings = Derived(graph, "rings of nodes", self._of_members, self._ring)
        places = Index(graph, "places on rings", self._rings, _places)
        self._chosen = Derived(graph, "chosen nodes", places, self._choose)
        self._problems = Index(graph, "problems of nodes", self._readings, _problems)

    def of(self, view: View, service: Ref) -> tuple[UsableNode, ...]:
        """Return the nodes for a Service of a member, those of its IP families among them."""
        place = place_of(service.namespace, service.name)
        return view.get(self._chosen, (service.origin, place)) or ()

    def named(self, view: View, member: str, names: list[str]) -> tuple[UsableNode, ...]:
        """Return the nodes of these names that take requests."""
        readings = (view.get(self._readings, Ref(member, "Node", "", name)) for name in names)
        return tuple(each.node for each in readings if each and each.node)

    @property
    def problems(self) -> frozenset[Problem]:
        """The problems of all nodes."""
        return frozenset(self._problems.groups)

    def _reading(self, view: View, ref: Ref) -> NodeReading | None:
        settings = view.get(self._inputs.settings, ref.origin) or _NOT_ASKED
        if settings.addressing is not Addressing.NODE_PORTS:
            return None
        return read_node(ref, view.must(self._inputs.nodes, ref), settings.addresses)

    def _ring(self, view: View, member: str) -> Ring:
        readings = (view.must(self._readings, ref) for ref in view.group(self._of_members, member))
        return Ring.of([each.node for each in readings if each.node])

    def _choose(self, view: View, key: tuple[str, int]) -> tuple[UsableNode, ...]:
        member, place = key
        return view.must(self._rings, member).at(place)


def _by_member(ref: Ref, reading: NodeReading) -> tuple[str, ...]:
    return (ref.origin,) if reading.node else ()


def _places(member: str, _: Ring) -> Iterator[tuple[str, int]]:
    return ((member, place) for place in range(PLACES))


def _problems(_: Ref, reading: NodeReading) -> tuple[Problem, ...]:
    return reading.problems
