"""The tables of certificates: Secrets of the hub that Ingresses name become Secrets of Envoy."""

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.models import Ingress
from fleet.ref import Ref
from fleet.references import secrets_of
from translators.envoy.certificates import build_secret
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import Inputs
from translators.graph.keys import CertificateKey
from translators.merge.certificates import read_certificate
from xds.resource import Resource


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate, and the gateways that take an Ingress which names it."""

    resource: Resource
    gateways: frozenset[Ref]


class CertificateTables:
    """The tables of certificates. An Envoy gets only those of its own gateway."""

    def __init__(self, graph: Graph, inputs: Inputs, ingresses: IngressTables) -> None:
        self._inputs = inputs
        self._attachments = ingresses.attachments
        self._users = Index(graph, "users of certificates", inputs.ingresses, _named)
        self._read = Derived(graph, "certificates", self._users, self._certificate)
        of_gateways = Index(graph, "certificates of gateways", self._read, _of_gateways)
        self.secrets = Derived(graph, "Secrets", of_gateways, self._secret)

    def _certificate(self, view: View, ref: Ref) -> CertificateRow | None:
        """Read a Secret; None if it is absent, or has no certificate with its own key."""
        secret = view.get(self._inputs.secrets, ref)
        certificate = read_certificate(secret) if secret else None
        if certificate is None:
            return None
        users = view.group(self._users, ref)
        taken = (view.must(self._attachments, user).gateways for user in users)
        return CertificateRow(build_secret(ref, certificate), frozenset().union(*taken))

    def _secret(self, view: View, key: CertificateKey) -> Resource:
        return view.must(self._read, key.secret).resource


def _named(_: Ref, ingress: Ingress) -> frozenset[Ref]:
    return secrets_of(ingress)


def _of_gateways(ref: Ref, row: CertificateRow) -> Iterator[CertificateKey]:
    return (CertificateKey(gateway, ref) for gateway in row.gateways)
