"""The tables of certificates: Secrets of the hub that Ingresses name become Secrets of Envoy.

    Secrets ─▶ readings ─▶ validities ─┐
                                       ├─▶ of hosts, defaults ─▶ SDS
    rules ─▶ claims ─▶ deciders ───────┘

A Secret whose certificate cannot be used any more keeps its last usable one, which the translator
remembers. So a broken or deleted Secret takes no host off HTTPS.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from fleet.ref import Ref
from translators.envoy.certificates import build_secret
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.hub import HubTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import NOW, Inputs
from translators.graph.keys import CertificateKey, HostKey
from translators.merge.certificate_problems import Held
from translators.merge.certificates import read_certificate
from translators.merge.ownership import owner_of
from translators.model.certificates import Certificate, Reading, TlsEntry, Validity, entry_for
from translators.model.hosts import wildcard_over
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet
from translators.model.rules import Age
from xds.resource import Resource


@dataclass(frozen=True, slots=True)
class Decided:
    """The Ingress that decides about the certificate of a host, and the Secret that it names.

    With `if_covered` the host has no certificate unless the one of the Secret covers it.
    """

    by: Ref
    secret: Ref
    since: Age
    if_covered: bool = False


class CertificateTables:
    """The tables of certificates. An Envoy gets only those of its own gateway."""

    def __init__(
        self,
        graph: Graph,
        inputs: Inputs,
        hub: HubTables,
        gateways: GatewayTables,
        ingresses: IngressTables,
    ) -> None:
        self._inputs = inputs
        self.hub = hub
        self._gateways = gateways
        self._ingresses = ingresses
        self.readings = Derived(graph, "certificates", inputs.secrets, self._reading)
        self.validities = Derived(graph, "validities", self.readings, self._validity)
        with_tls = Index(graph, "Ingresses with TLS", ingresses.rules, _with_tls)
        self._claims = Derived(graph, "claims of certificates", with_tls, self._claim)
        by_host = Index(graph, "certificates by host", self._claims, lambda _, keys: keys)
        self._by_host = by_host
        self.deciders = Derived(graph, "deciders of certificates", by_host, self._decided)
        self.of_hosts = Derived(graph, "certificates of hosts", self.deciders, self._of_host)
        self.defaults = Derived(
            graph, "default certificates", gateways.default_certificates, self._default
        )
        # Rotation of a certificate does not change these two.
        self._has_own = Derived(graph, "hosts with certificates", self.of_hosts, lambda *_: True)
        self._has_default = Derived(
            graph, "gateways with certificates", self.defaults, lambda *_: True
        )

    def ends_tls(self, view: View, gateway: Ref, host: str) -> bool:
        """Return whether the gateway has a certificate for the host, and a listener for TLS.

        One that is not known yet counts.
        """
        if not view.get(self._gateways.secure, gateway):
            return False
        names = (host, over) if (over := wildcard_over(host)) else (host,)
        keys = [CertificateKey(gateway, name) for name in names]
        if any(view.get(self._has_own, key) is not None for key in keys):
            return True
        if self.has_default(view, gateway):
            return True
        return not self.hub.knows_secrets(view) and self._is_named(view, gateway, keys)

    def has_default(self, view: View, gateway: Ref) -> bool:
        """Return whether the gateway has a certificate for hosts without one of their own."""
        return view.get(self._has_default, gateway) is not None

    def _is_named(self, view: View, gateway: Ref, keys: Iterable[CertificateKey]) -> bool:
        """Return whether a Secret is named for one of the keys, or for all other hosts."""
        every = (*keys, CertificateKey(gateway, ""))
        defaults = view.get(self._gateways.default_certificates, gateway) or ()
        return bool(defaults) or any(view.get(self.deciders, key) is not None for key in every)

    def held(self, view: View, secret: Ref) -> Held:
        """Return what is known of a Secret."""
        return Held(
            view.get(self.readings, secret),
            view.get(self.validities, secret),
            view.get(self._inputs.last_certificates, secret) is not None,
        )

    def others(
        self, view: View, entry: TlsEntry, hosts: Sequence[str], gateways: Iterable[Ref]
    ) -> dict[tuple[Ref, Ref], list[str]]:
        """Return the hosts whose certificate something else decides about than an entry.

        They are grouped by the Ingress that decides and the Secret that it names.
        """
        found: dict[tuple[Ref, Ref], list[str]] = {}
        for key in sorted(
            {CertificateKey(gateway, host) for gateway in gateways for host in hosts}
        ):
            decided = view.get(self.deciders, key)
            if decided and decided.secret != entry.secret:
                found.setdefault((decided.by, decided.secret), []).append(key.host)
        return {by: list(dict.fromkeys(named)) for by, named in found.items()}

    def named(self) -> frozenset[Ref]:
        """Return the Secrets whose certificates are for some host. O(hosts with TLS)."""
        of_hosts = (decided.secret for decided in self.deciders.rows.values())
        of_gateways = chain.from_iterable(self._gateways.default_certificates.rows.values())
        return frozenset((*of_hosts, *of_gateways))

    def is_usable(self, secret: Ref) -> bool:
        """Return whether a Secret has a certificate whose period has not ended."""
        reading = self.readings.get(secret)
        is_over = self.validities.get(secret) is Validity.ENDED
        return reading is not None and reading.certificate is not None and not is_over

    def _reading(self, view: View, secret: Ref) -> Reading:
        return read_certificate(view.must(self._inputs.secrets, secret))

    def _validity(self, view: View, secret: Ref) -> Validity | None:
        now = view.get(self._inputs.time, NOW)
        certificate = view.must(self.readings, secret).certificate
        if certificate is None:
            return None
        return certificate.validity(now) if now else Validity.VALID

    def _claim(self, view: View, ref: Ref) -> tuple[CertificateKey, ...] | None:
        """Return the hosts for which an Ingress names a Secret, at each of its gateways."""
        entries = view.must(self._ingresses.rules, ref).tls
        hosts = {host for entry in entries if entry.secret for host in entry.named}
        if not hosts:
            return None
        gateways = view.must(self._ingresses.attachments, ref).gateways
        return tuple(sorted(CertificateKey(g, host) for g in gateways for host in hosts))

    def _decided(self, view: View, key: CertificateKey) -> Decided | None:
        """Find the oldest Ingress that names a Secret for a host, and may serve the host.

        One whose rules name the host comes before one that only gives it as an alias.
        """
        boundaries = view.must(self._gateways.boundaries, key.gateway)
        if boundaries.owned and not key.host:
            return None  # no namespace owns all other hosts
        asking = [view.must(self._ingresses.rules, ref) for ref in view.group(self._by_host, key)]
        claims = [(by, i) for i in asking if (by := i.by)]
        if boundaries.owned:
            owner = self._owner(view, key, frozenset(s for i in asking for s in i.sets))
            if owner:
                claims = [claim for claim in claims if claim[0][1].namespace == owner]
        if not claims:
            return None
        by, ingress = min(claims, key=lambda claim: (claim[1].is_alias(key.host), claim[0]))
        entry = entry_for(ingress.tls, key.host)
        if entry is None or entry.secret is None:
            return None
        return Decided(by[1], entry.secret, by[0], if_covered=key.host in entry.further)

    def _owner(self, view: View, key: CertificateKey, sets: frozenset[TableSet]) -> str:
        """Return the namespace that owns a host; "" if only aliases name it."""
        tables = self._ingresses
        owners = []
        for name in sorted(sets):
            here = HostKey(key.gateway, name, key.host)
            naming = [view.must(tables.rules, ref) for ref in view.group(tables.by_host, here)]
            owners.append(owner_of(naming, here.tables, key.host))
            if over := wildcard_over(key.host):
                owners.append(view.get(tables.owners, here._replace(host=over)))
        oldest = min(filter(None, owners), default=None)
        return oldest[1].namespace if oldest else ""

    def _of_host(self, view: View, key: CertificateKey) -> Resource | None:
        if not key.host:
            return None  # it is in `defaults`
        decided = view.must(self.deciders, key)
        certificate = self._usable(view, decided.secret)
        if certificate is None or (decided.if_covered and not certificate.covers(key.host)):
            return None
        return build_secret(key.host, certificate, decided.secret)

    def _default(self, view: View, gateway: Ref) -> Resource | None:
        """Choose the certificate for other hosts: the gateway's own, else one of an Ingress."""
        decided = view.get(self.deciders, CertificateKey(gateway, ""))
        own = view.must(self._gateways.default_certificates, gateway)
        for secret in (*own, *((decided.secret,) if decided else ())):
            if certificate := self._usable(view, secret):
                return build_secret("", certificate, secret)
        return None

    def _usable(self, view: View, secret: Ref) -> Certificate | None:
        """Return the certificate of a Secret, or its last usable one."""
        reading = view.get(self.readings, secret)
        certificate = reading.certificate if reading else None
        if certificate and view.get(self.validities, secret) is not Validity.ENDED:
            return certificate
        return view.get(self._inputs.last_certificates, secret) or certificate


def _with_tls(ref: Ref, rules: IngressRules) -> tuple[Ref, ...]:
    return (ref,) if rules.tls else ()
