"""The tables of certificates that a listener has to name, since QUIC has none on demand.

Hosts that share a Secret share a name, so that a wildcard certificate counts once. The names are
not those of certificates on demand: Envoy waits for ever for a name on demand that a listener has
named before.
"""

from collections.abc import Iterator

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.edge_settings import HTTP3
from translators.envoy.certificates import renamed
from translators.envoy.names import quic_name
from translators.graph.certificates import CertificateTables, Decided
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.keys import CertificateKey
from translators.model.bounds import MAX_NAMED
from xds.resource import Resource


class NamedCertificates:
    """The names of certificates for QUIC, by gateway. A gateway without QUIC has no row."""

    def __init__(
        self, graph: Graph, gateways: GatewayTables, certificates: CertificateTables
    ) -> None:
        self._gateways = gateways
        self._certificates = certificates
        self._hosts = Index(graph, "hosts with Secrets", certificates.of_hosts, _gateway)
        self._rows = Derived(graph, "named certificates", gateways.quic, self._chosen)
        by_host = Index(graph, "hosts of named certificates", self._rows, _keys)
        self.secrets = Derived(graph, "named Secrets", by_host, self._secret)

    def of(self, view: View, gateway: Ref) -> tuple[str, ...]:
        """Return the names. Envoy shows the first certificate for a name that none covers."""
        hosts = view.get(self._rows, gateway) or ()
        return tuple(quic_name(host) for host in hosts[:MAX_NAMED])

    def problems(self, view: View, gateway: Ref) -> Iterator[Problem]:
        """Report certificates beyond the bound."""
        hosts = view.get(self._rows, gateway) or ()
        if len(hosts) > MAX_NAMED:
            expected = f"at most {MAX_NAMED} certificates at a gateway with HTTP/3"
            effect = "hosts of the youngest Ingresses are served by HTTP/1.1 and HTTP/2 alone"
            value = f"{len(hosts)} certificates"
            yield Problem(gateway, "TooManyCertificates", HTTP3, value, expected, effect)

    def _chosen(self, view: View, gateway: Ref) -> tuple[str, ...] | None:
        """Choose a host for each certificate, those of the oldest Ingresses first.

        The host "" stands for the default certificate, which comes first. The certificates that the
        gateway's object names come next. O(hosts with TLS).
        """
        if not view.must(self._gateways.quic, gateway):
            return None
        hosts = [
            (view.must(self._certificates.deciders, key), key.host)
            for key in view.group(self._hosts, gateway)
        ]
        of_secrets: dict[Ref, str] = {}
        for key, secret in view.get(self._certificates.names, gateway) or ():
            if view.get(self._certificates.has_named, key) is not None:
                of_secrets.setdefault(secret, key.host)
        for decided, host in sorted(hosts, key=_by_age):
            of_secrets.setdefault(decided.secret, host)
        default = ("",) if self._certificates.has_default(view, gateway) else ()
        return (*default, *of_secrets.values())

    def _secret(self, view: View, key: CertificateKey) -> Resource:
        tables = self._certificates
        if key.host:
            found = view.get(tables.of_hosts, key) or view.must(tables.of_names, key)
            return renamed(found, quic_name(key.host))
        return renamed(view.must(tables.defaults, key.gateway), quic_name(""))


def _keys(gateway: Ref, hosts: tuple[str, ...]) -> Iterator[CertificateKey]:
    return (CertificateKey(gateway, host) for host in hosts[:MAX_NAMED])


def _by_age(host: tuple[Decided, str]) -> tuple[object, ...]:
    decided, name = host
    return decided.since, decided.by, name


def _gateway(key: CertificateKey, _: object) -> tuple[Ref]:
    return (key.gateway,)
