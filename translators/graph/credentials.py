"""The tables of credentials towards backends: Secrets that policies of Ingresses name."""

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.ref import Ref
from translators.envoy.certificates import build_client_certificate
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.hub import HubTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import Inputs
from translators.graph.keys import CredentialsKey
from translators.merge.credentials import read_credentials
from translators.model.credentials import Credentials
from translators.model.ingresses import IngressRules
from xds.resource import Resource


@dataclass(frozen=True, slots=True)
class CredentialsRow:
    """The credentials of a Secret, and the gateways that take an Ingress which names it."""

    credentials: Credentials
    gateways: frozenset[Ref]


class CredentialTables:
    """The tables of credentials. An Envoy gets only those of its own gateway."""

    def __init__(
        self, graph: Graph, inputs: Inputs, hub: HubTables, ingresses: IngressTables
    ) -> None:
        self._inputs = inputs
        self._hub = hub
        self._attachments = ingresses.attachments
        self._users = Index(graph, "users of credentials", ingresses.rules, _named)
        self.rows = Derived(graph, "credentials", self._users, self._row)
        of_gateways = Index(graph, "credentials of gateways", self.rows, _of_gateways)
        self.secrets = Derived(graph, "client certificates", of_gateways, self._secret)

    def of(self, view: View, secret: Ref) -> Credentials | None:
        """Return the credentials of a Secret; None if it is absent, or has none."""
        row = view.get(self.rows, secret)
        return row.credentials if row else None

    def lacks(self, view: View, secret: Ref) -> bool:
        """Return whether a Secret is known to have no credentials."""
        return self.of(view, secret) is None and not self._hub.awaits(view, secret)

    def _row(self, view: View, ref: Ref) -> CredentialsRow | None:
        secret = view.get(self._inputs.secrets, ref)
        credentials = read_credentials(secret) if secret else None
        if credentials is None:
            return None
        users = view.group(self._users, ref)
        taken = (view.must(self._attachments, user).gateways for user in users)
        return CredentialsRow(credentials, frozenset().union(*taken))

    def _secret(self, view: View, key: CredentialsKey) -> Resource | None:
        certificate = view.must(self.rows, key.secret).credentials.certificate
        return build_client_certificate(key.secret, certificate) if certificate else None


def _named(_: Ref, rules: IngressRules) -> frozenset[Ref]:
    return frozenset(secret for each in rules.policies for secret in each.policy.secrets)


def _of_gateways(ref: Ref, row: CredentialsRow) -> Iterator[CredentialsKey]:
    return (CredentialsKey(gateway, ref) for gateway in row.gateways)
