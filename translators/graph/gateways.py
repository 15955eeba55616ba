"""The tables of gateways: what each of them declares, and its listeners."""

from collections.abc import Iterator

from fleet.ref import Ref
from translators.dialects.dialect import Dialects
from translators.envoy.listeners import build_listener
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.inputs import Inputs
from translators.graph.keys import EntryKey
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings, PathNormalization
from translators.model.gateways import Boundaries, Gateway, Selector, UpstreamLimits
from translators.model.listeners import Entry, TableSet
from translators.model.policy import Policy
from translators.policies.policy import listener_parts
from xds.resource import Resource

ALL = "all"
"""The one group of an index that has only one."""


class GatewayTables:
    """What gateways declare; narrow rows keep a change from what does not depend on it."""

    def __init__(
        self, graph: Graph, inputs: Inputs, dialects: Dialects, default_bind: Bind
    ) -> None:
        self._inputs = inputs
        self._dialects = dialects
        self._default_bind = default_bind
        self.declared = Derived(graph, "gateways", inputs.configs, self._gateway)
        self.members = Derived(graph, "members", self.declared, self._members)
        self.limits = Derived(graph, "limits", self.declared, self._limits)
        self.edges = Derived(graph, "edges", self.declared, self._edge)
        self.paths = Derived(graph, "paths", self.edges, self._path_normalization)
        self.boundaries = Derived(graph, "boundaries", self.declared, self._boundaries)
        self.policies = Derived(graph, "gateway policies", self.declared, self._policies)
        self.selectors = Derived(graph, "selectors", self.declared, self._selector)
        all_selectors = Index(graph, "all selectors", self.selectors, lambda *_: (ALL,))
        self._all_selectors = all_selectors
        self.selection = Derived(graph, "selection", all_selectors, self._selection)
        self.sets = Derived(graph, "sets", self.declared, self._sets)
        self.entries = Index(graph, "entries", self.declared, _entries)
        self.listeners = Derived(graph, "listeners", self.entries, self._listener)

    def bind(self, view: View, gateway: Ref) -> Bind:
        """Where the Envoys of a gateway listen."""
        return view.get(self._inputs.binds, gateway) or self._default_bind

    def served(self, view: View, gateway: Ref) -> tuple[Entry, ...]:
        """The listeners of a gateway that have a port where its Envoys listen."""
        bind = self.bind(view, gateway)
        entries = view.must(self.declared, gateway).entries
        return tuple(entry for entry in entries if bind.takes(entry.at))

    def addresses(self, view: View, gateway: Ref) -> tuple[str, ...]:
        """Where clients reach a gateway: as somebody found out, as declared, or as it listens."""
        found, bind = view.get(self.declared, gateway), self.bind(view, gateway)
        named = found.settings.addresses if found else ()
        declared = tuple(address for address in named if bind.can_show(address))
        located = view.get(self._inputs.addresses, gateway) or declared
        return located or ((bind.address,) if bind.can_show(bind.address) else ())

    def _gateway(self, view: View, ref: Ref) -> Gateway:
        return self._dialects.gateway(ref, view.must(self._inputs.configs, ref))

    def _members(self, view: View, ref: Ref) -> tuple[str, ...]:
        return view.must(self.declared, ref).members

    def _limits(self, view: View, ref: Ref) -> UpstreamLimits:
        return view.must(self.declared, ref).settings.limits

    def _edge(self, view: View, ref: Ref) -> EdgeSettings:
        return view.must(self.declared, ref).settings.edge

    def _path_normalization(self, view: View, ref: Ref) -> PathNormalization:
        return view.must(self.edges, ref).paths

    def _boundaries(self, view: View, ref: Ref) -> Boundaries:
        return view.must(self.declared, ref).settings.boundaries

    def _policies(self, view: View, ref: Ref) -> tuple[Policy, ...]:
        return view.must(self.declared, ref).policies

    def _selector(self, view: View, ref: Ref) -> Selector:
        return view.must(self.declared, ref).selector

    def _selection(self, view: View, key: str) -> tuple[Selector, ...]:
        return tuple(view.must(self.selectors, ref) for ref in view.group(self._all_selectors, key))

    def _sets(self, view: View, ref: Ref) -> frozenset[TableSet]:
        """The route tables that its listeners ask."""
        return frozenset(entry.tables for entry in self.served(view, ref))

    def _listener(self, view: View, key: EntryKey) -> Resource | None:
        gateway, entry = key
        bind = self.bind(view, gateway)
        if not bind.takes(entry.at):
            return None
        parts = listener_parts(view.must(self.policies, gateway))
        name = self._dialects.name_of(gateway)
        return build_listener(name, entry, bind, view.must(self.edges, gateway), parts)


def _entries(ref: Ref, gateway: Gateway) -> Iterator[EntryKey]:
    return ((ref, entry) for entry in gateway.entries)
