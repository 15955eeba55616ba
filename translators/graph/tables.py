"""The tables of translation, by topic.

    objects ─▶ gateways ─▶ selection ─▶ attachments ─┐
                                                     ├─▶ claims ─▶ plans ─▶ route tables (SRDS)
    objects ─▶ rules ────────────────────────────────┘               └───▶ targets ─▶ clusters (CDS)
    slices ─▶ slice endpoints ────────────────────────────────────────────▶ assignments (EDS)
    Secrets, rules ───────────────────────────────────────────────────────▶ certificates (SDS)
    plans ───▶ chains of hosts ───────────────────────────────────────────▶ listeners (LDS)

Each compute function reads what its row depends on; `translators.graph.derive` keeps the rows up to
date.
"""

from translators.dialects.dialect import Dialects
from translators.graph.aliases import AliasTables
from translators.graph.backends import BackendTables
from translators.graph.certificates import CertificateTables
from translators.graph.chains import ChainTables
from translators.graph.credentials import CredentialTables
from translators.graph.derive import Graph, OnFailure
from translators.graph.gateways import GatewayTables
from translators.graph.hosts import HostTables
from translators.graph.hub import HubTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import Inputs
from translators.graph.listeners import ListenerTables
from translators.graph.named_certificates import NamedCertificates
from translators.graph.passwords import PasswordTables
from translators.graph.row_weights import RowWeights
from translators.graph.statuses import StatusTables
from translators.model.binds import Bind


class Tables:
    """All tables of one translator. Each topic reads the tables of topics before it."""

    def __init__(
        self, dialects: Dialects, default_bind: Bind, on_failure: OnFailure | None = None
    ) -> None:
        graph = self.graph = Graph(on_failure)
        weights = RowWeights(self)
        inputs = self.inputs = Inputs(graph)
        hub = HubTables(graph, inputs)
        gateways = self.gateways = GatewayTables(graph, inputs, hub, dialects, default_bind)
        ingresses = self.ingresses = IngressTables(
            graph, inputs, gateways, dialects, weights.of_paths
        )
        certificates = self.certificates = CertificateTables(
            graph, inputs, hub, gateways, ingresses
        )
        credentials = self.credentials = CredentialTables(graph, inputs, hub, ingresses)
        passwords = self.passwords = PasswordTables(graph, inputs, hub, ingresses)
        hosts = self.hosts = HostTables(
            graph, gateways, ingresses, certificates, passwords, weights
        )
        aliases = self.aliases = AliasTables(graph, gateways, ingresses, hosts)
        chains = self.chains = ChainTables(graph, inputs, hub, gateways, hosts, aliases)
        named = self.named = NamedCertificates(graph, gateways, certificates)
        listeners = self.listeners = ListenerTables(graph, hub, gateways, named, chains, dialects)
        backends = self.backends = BackendTables(
            graph, inputs, gateways, ingresses, hosts, credentials, weights
        )
        self.statuses = StatusTables(
            graph,
            inputs,
            gateways,
            ingresses,
            hosts,
            aliases,
            listeners,
            backends,
            dialects,
            weights,
        )
