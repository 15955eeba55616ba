"""The table of Listeners. A Listener depends on its gateway, and on chains that hosts have.

A Listener for TLS also depends on Secrets: authorities of client certificates, and certificates for
QUIC. While these are unknown, it is not declared, and Envoys keep the one that they have.
"""

from collections.abc import Iterator
from dataclasses import replace

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.dialect import Dialects
from translators.envoy.listeners import NO_CHAINS, build_listener, build_quic_listener
from translators.graph.chains import ChainTables
from translators.graph.derive import Derived, Graph, View
from translators.graph.gateways import GatewayTables
from translators.graph.hub import HubTables
from translators.graph.keys import ListenerKey
from translators.graph.named_certificates import NamedCertificates
from translators.merge.authorities import without_authorities
from translators.model.authorities import MAX_DEPTH
from translators.model.listeners import Protocol
from translators.model.tls import ClientTrust
from translators.policies.policy import listener_parts
from xds.resource import Resource


class ListenerTables:
    """The Listeners of all gateways."""

    def __init__(
        self,
        graph: Graph,
        hub: HubTables,
        gateways: GatewayTables,
        named: NamedCertificates,
        chains: ChainTables,
        dialects: Dialects,
    ) -> None:
        self._hub = hub
        self._gateways = gateways
        self.named = named
        self.chains = chains
        self._dialects = dialects
        self.rows = Derived(graph, "listeners", gateways.entries, self._listener)

    def _listener(self, view: View, key: ListenerKey) -> Resource | None:
        gateway, _ = key
        entry = view.must(self._gateways.entries, key)
        bind = self._gateways.bind(view, gateway)
        if not bind.takes(entry.at) or (entry.tls and not self._hub.knows_secrets(view)):
            return None
        if entry.tls and entry.authorities:
            if any(self._hub.awaits(view, each.secret) for each in entry.authorities):
                return self.rows.get(key)
            if (authorities := self._gateways.authorities(view, entry)) is None:
                return None
            trust = ClientTrust(authorities, MAX_DEPTH)
            entry = entry._replace(tls=replace(entry.tls, clients=trust))
        parts = listener_parts(view.must(self._gateways.policies, gateway))
        name = self._dialects.name_of(gateway)
        edge = view.must(self._gateways.edges, gateway)
        if entry.at.protocol is Protocol.QUIC:
            certificates = self.named.of(view, gateway)
            if not certificates:
                return None
            return build_quic_listener(name, entry, bind, edge, parts, certificates)
        of_hosts = (
            self.chains.of(view, (gateway, entry.tables), entry.at) if entry.tls else NO_CHAINS
        )
        return build_listener(name, entry, bind, edge, parts, of_hosts)

    def problems(self, view: View, gateway: Ref) -> Iterator[Problem]:
        """Report authorities of client certificates that cannot be used."""
        for entry in view.must(self._gateways.declared, gateway).entries:
            for (at, secret), fault in self._gateways.faults(view, entry):
                yield without_authorities(gateway, at, secret, fault)
