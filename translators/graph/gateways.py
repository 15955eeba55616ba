"""The tables of gateways: their declarations and settings, and which listeners they have."""

from collections.abc import Iterator

from fleet.ref import Ref
from translators.dialects.dialect import Dialects
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.hub import HubTables
from translators.graph.inputs import Inputs
from translators.graph.keys import ListenerKey, SetKey
from translators.merge.authorities import joined, read_authorities
from translators.model.authorities import Authorities, AuthoritiesReading
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings, PathNormalization
from translators.model.gateways import Boundaries, Gateway, Selector, Upstreams
from translators.model.listeners import Entry, Protocol, SecretAt, TableSet
from translators.model.nearness import Nearness, Prefer
from translators.model.policy import Policy
from translators.policies.elsewhere import Elsewhere

ALL = "all"
"""The key of the only group in an index that has one group."""


class GatewayTables:
    """The tables of gateways.

    Each setting has a table of its own, so that a change of one setting does not reach rows that
    depend on others.
    """

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        hub: HubTables,
        dialects: Dialects,
        default_bind: Bind,
    ) -> None:
        self._inputs = inputs
        self._hub = hub
        self._dialects = dialects
        self._default_bind = default_bind
        self.declared = Derived(graph, "gateways", inputs.configs, self._gateway)
        ports = Index(graph, "listener ports", self.declared, _ports)
        self.entries = Derived(graph, "entries", ports, self._entry)
        trusting = Index(graph, "authorities of listeners", self.entries, _authorities)
        self._authorities = Derived(graph, "readings for listeners", trusting, self._reading)
        self.members = Derived(graph, "members", self.declared, self._members)
        self.upstreams = Derived(graph, "upstreams", self.declared, self._upstreams)
        self.nearness = Derived(graph, "nearness", self.declared, self._nearness)
        self.edges = Derived(graph, "edges", self.declared, self._edge)
        self.paths = Derived(graph, "paths", self.edges, self._path_normalization)
        self.boundaries = Derived(graph, "boundaries", self.declared, self._boundaries)
        self.secure = Derived(graph, "gateways for TLS", self.declared, self._secure)
        self.default_certificates = Derived(
            graph, "named default certificates", self.declared, self._default_certificates
        )
        self.certificates = Derived(
            graph, "certificates of listeners", self.declared, self._certificates
        )
        self.quic = Derived(graph, "gateways for QUIC", self.declared, self._has_quic)
        self.policies = Derived(graph, "gateway policies", self.declared, self._policies)
        self.selectors = Derived(graph, "selectors", self.declared, self._selector)
        all_selectors = Index(graph, "all selectors", self.selectors, lambda *_: (ALL,))
        self._all_selectors = all_selectors
        self.selection = Derived(graph, "selection", all_selectors, self._selection)
        self.sets = Derived(graph, "sets", self.declared, self._sets)
        all_sets = Index(graph, "all sets", self.declared, _all_sets)
        self.table_policies = Derived(
            graph, "policies of listeners", all_sets, self._table_policies
        )

    def bind(self, view: View, gateway: Ref) -> Bind:
        """Return the bind of a gateway's Envoys."""
        return view.get(self._inputs.binds, gateway) or self._default_bind

    def served(self, view: View, gateway: Ref) -> tuple[Entry, ...]:
        """Return the listeners that a gateway's Envoys can open.

        A listener without the authorities that it names stays closed.
        """
        bind = self.bind(view, gateway)
        entries = view.must(self.declared, gateway).entries
        return tuple(
            entry for entry in entries if bind.takes(entry.at) and not any(self.faults(view, entry))
        )

    def authorities(self, view: View, entry: Entry) -> Authorities | None:
        """Return the authorities of a listener's clients; None if some cannot be used."""
        readings = [view.must(self._authorities, secret) for _, secret in entry.authorities]
        return joined([reading.authorities for reading in readings])

    def faults(self, view: View, entry: Entry) -> Iterator[tuple[SecretAt, str]]:
        """Yield the authorities of a listener's clients that cannot be used, each with its fault.

        One that is awaited has no fault.
        """
        for each in entry.authorities:
            fault = view.must(self._authorities, each.secret).fault
            if fault and not self._hub.awaits(view, each.secret):
                yield each, fault

    def addresses(self, view: View, gateway: Ref) -> tuple[str, ...]:
        """Return the addresses at which clients reach a gateway.

        An observed address takes precedence over declared ones, and these over that of the bind.
        """
        row, bind = view.get(self.declared, gateway), self.bind(view, gateway)
        named = row.settings.addresses if row else ()
        declared = tuple(address for address in named if bind.can_show(address))
        located = view.get(self._inputs.addresses, gateway) or declared
        return located or ((bind.address,) if bind.can_show(bind.address) else ())

    def _gateway(self, view: View, ref: Ref) -> Gateway:
        return self._dialects.gateway(ref, view.must(self._inputs.configs, ref))

    def _reading(self, view: View, secret: Ref) -> AuthoritiesReading:
        return read_authorities(view.get(self._inputs.secrets, secret))

    def _members(self, view: View, ref: Ref) -> tuple[str, ...]:
        return view.must(self.declared, ref).members

    def _upstreams(self, view: View, ref: Ref) -> Upstreams:
        declared = view.must(self.declared, ref).settings
        members = view.must(self.members, ref)
        settings = ((each, view.get(self._inputs.settings, each)) for each in members)
        found = ((member, known.gateway) for member, known in settings if known)
        return Upstreams(
            declared.limits,
            tuple((m, gateway) for m, gateway in found if gateway),
            declared.nearness.prefer is not Prefer.NONE,
        )

    def _nearness(self, view: View, ref: Ref) -> Nearness:
        return view.must(self.declared, ref).settings.nearness

    def _edge(self, view: View, ref: Ref) -> EdgeSettings:
        return view.must(self.declared, ref).settings.edge

    def _path_normalization(self, view: View, ref: Ref) -> PathNormalization:
        return view.must(self.edges, ref).paths

    def _boundaries(self, view: View, ref: Ref) -> Boundaries:
        return view.must(self.declared, ref).settings.boundaries

    def _secure(self, view: View, ref: Ref) -> bool:
        """Return whether a listener of the gateway ends TLS."""
        return any(entry.tls for entry in self.served(view, ref))

    def _default_certificates(self, view: View, ref: Ref) -> tuple[Ref, ...]:
        """Return the Secrets that the gateway's object names for hosts without a certificate."""
        gateway = view.must(self.declared, ref)
        default = gateway.settings.default_certificate
        of_listeners = [e.certificates[0].secret for e in gateway.entries if e.certificates]
        return (*((default,) if default else ()), *of_listeners[:1])

    def _certificates(self, view: View, ref: Ref) -> tuple[SecretAt, ...]:
        """Return the Secrets that fields of the gateway's object name, each once."""
        entries = view.must(self.declared, ref).entries
        named = {each.secret: each for entry in entries for each in entry.certificates[::-1]}
        return tuple(sorted(named.values()))

    def _has_quic(self, view: View, ref: Ref) -> bool:
        """Return whether a listener of the gateway takes QUIC connections."""
        return any(e.at.protocol is Protocol.QUIC for e in view.must(self.declared, ref).entries)

    def _policies(self, view: View, ref: Ref) -> tuple[Policy, ...]:
        return view.must(self.declared, ref).policies

    def _selector(self, view: View, ref: Ref) -> Selector:
        return view.must(self.declared, ref).selector

    def _selection(self, view: View, key: str) -> tuple[Selector, ...]:
        return tuple(view.must(self.selectors, ref) for ref in view.group(self._all_selectors, key))

    def _entry(self, view: View, key: ListenerKey) -> Entry:
        gateway, at = key
        entries = view.must(self.declared, gateway).entries
        return next(entry for entry in entries if entry.at == at)

    def _table_policies(self, view: View, key: SetKey) -> tuple[Policy, ...] | None:
        """Return the policies that all tables of a set carry out; None if there are none.

        These are those of the listeners that use it, and one for members with an own ingress.
        """
        gateway, tables = key
        entries = view.must(self.declared, gateway).entries
        policies = [p for entry in entries if entry.tables == tables for p in entry.policies]
        if view.must(self.upstreams, gateway).gateways:
            policies.append(Elsewhere())
        return tuple(dict.fromkeys(policies)) or None

    def _sets(self, view: View, ref: Ref) -> frozenset[TableSet]:
        """Return the sets of route tables that the gateway's listeners use."""
        return frozenset(entry.tables for entry in self.served(view, ref))


def _ports(ref: Ref, gateway: Gateway) -> Iterator[ListenerKey]:
    return ((ref, entry.at) for entry in gateway.entries)


def _authorities(_: ListenerKey, entry: Entry) -> Iterator[Ref]:
    return (each.secret for each in entry.authorities)


def _all_sets(ref: Ref, gateway: Gateway) -> frozenset[SetKey]:
    return frozenset((ref, entry.tables) for entry in gateway.entries)
