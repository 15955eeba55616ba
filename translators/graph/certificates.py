"""The tables of certificates: Secrets of the hub that Ingresses name become Secrets of Envoy.

    Secrets ─▶ readings ─▶ validities ─┐
                                       ├─▶ of hosts, defaults, of names ─▶ SDS
    rules ─▶ claims ─▶ deciders ───────┤
    gateways ─▶ names ─────────────────┘

A gateway's object may name Secrets for the names in their certificates. Such a certificate is shown
for a name unless an Ingress names one for it.

A Secret whose certificate cannot be used any more keeps its last usable one, which the translator
remembers. So a broken or deleted Secret takes no host off HTTPS. A host keeps the certificate that
it has while the Secret in its place is awaited.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fleet.ref import Ref
from translators.envoy.certificates import build_secret
from translators.graph.derive import Derived, Graph, Index, View
from translators.graph.gateways import GatewayTables
from translators.graph.hub import HubTables
from translators.graph.ingresses import IngressTables
from translators.graph.inputs import NOW, Inputs
from translators.graph.keys import CertificateKey, HostKey
from translators.merge.certificate_problems import Held
from translators.merge.certificates import hosts_in, read_certificate
from translators.merge.ownership import owner_of
from translators.model.certificates import Certificate, Reading, TlsEntry, Validity, entry_for
from translators.model.hosts import wildcard_over
from translators.model.ingresses import IngressRules
from translators.model.listeners import SecretAt, TableSet
from translators.model.rules import Age
from xds.resource import Resource

Names: TypeAlias = tuple[tuple[CertificateKey, Ref], ...]


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
        self._hub = hub
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
        # Rotation of a certificate does not change these three.
        self._has_own = Derived(graph, "hosts with certificates", self.of_hosts, lambda *_: True)
        self._has_default = Derived(
            graph, "gateways with certificates", self.defaults, lambda *_: True
        )
        self.names: Derived[Ref, Names] = Derived(
            graph, "names of certificates", gateways.certificates, self._named
        )
        by_name = Index(graph, "certificates by name", self.names, _keys)
        self.of_names = Derived(graph, "certificates of names", by_name, self._of_name)
        self.has_named = Derived(graph, "names with certificates", self.of_names, lambda *_: True)
        by_default, of_listeners = gateways.default_certificates, gateways.certificates
        self._users = (
            Index(graph, "hosts by Secret", self.deciders, lambda _, decided: (decided.secret,)),
            Index(graph, "gateways by default Secret", by_default, lambda _, secrets: secrets),
            Index(graph, "gateways by Secret", of_listeners, _secrets_at),
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
        if self.is_named(view, gateway, host) or self.has_default(view, gateway):
            return True
        every = (*keys, CertificateKey(gateway, ""))
        return self._awaits_default(view, gateway) or self._awaits_any(view, every)

    def is_named(self, view: View, gateway: Ref, host: str) -> bool:
        """Return whether a certificate of the gateway's own object is shown for a host."""
        return any(
            view.get(self.has_named, CertificateKey(gateway, name)) is not None
            for name in (host, wildcard_over(host))
            if name
        )

    def has_default(self, view: View, gateway: Ref) -> bool:
        """Return whether the gateway has a certificate for hosts without one of their own."""
        return view.get(self._has_default, gateway) is not None

    def lacks_default(self, view: View, gateway: Ref) -> bool:
        """Return whether the gateway is known to have no certificate for other hosts."""
        if self.has_default(view, gateway) or self._awaits_default(view, gateway):
            return False
        return not self._awaits_any(view, (CertificateKey(gateway, ""),))

    def _awaits_default(self, view: View, gateway: Ref) -> bool:
        named = view.get(self._gateways.default_certificates, gateway) or ()
        return any(self._hub.awaits(view, secret) for secret in named)

    def _awaits_any(self, view: View, keys: Iterable[CertificateKey]) -> bool:
        """Return whether the Secret that is named for one of the keys has not been read yet."""
        deciders = (view.get(self.deciders, key) for key in keys)
        return any(self._hub.awaits(view, decided.secret) for decided in deciders if decided)

    def held(self, view: View, secret: Ref) -> Held:
        """Return what is known of a Secret."""
        reading = view.get(self.readings, secret)
        return Held(
            reading,
            view.get(self.validities, secret),
            keeps_last=view.get(self._inputs.last_certificates, secret) is not None,
            is_awaited=reading is None and self._hub.awaits(view, secret),
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

    def is_used(self, secret: Ref) -> bool:
        """Return whether the certificate of a Secret is for some host. O(1)."""
        return any(secret in users for users in self._users)

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
        is_named = True
        if key.host and any(ingress.aliases for ingress in asking):
            # A further name of a host decides nothing about a host that rules name.
            is_named = self._is_host(view, key, asking)
            if is_named:
                asking = [i for i in asking if any(i.names(s, key.host) for s in i.sets)]
        claims = [(by, i) for i in asking if (by := i.by)]
        if boundaries.owned:
            owner = self._owner(view, key, frozenset(s for i in asking for s in i.sets))
            if owner or is_named:
                claims = [claim for claim in claims if claim[0][1].namespace == owner]
        if not claims:
            return None
        by, ingress = min(claims, key=lambda claim: (claim[1].is_alias(key.host), claim[0]))
        entry = entry_for(ingress.tls, key.host)
        if entry is None or entry.secret is None:
            return None
        return Decided(by[1], entry.secret, by[0], if_covered=key.host in entry.further)

    def _is_host(self, view: View, key: CertificateKey, asking: Iterable[IngressRules]) -> bool:
        """Return whether rules name a host. `asking` are Ingresses that name a Secret for it."""
        tables = self._ingresses
        for name in sorted({each for ingress in asking for each in ingress.sets}):
            here = HostKey(key.gateway, name, key.host)
            naming = (view.must(tables.rules, ref) for ref in view.group(tables.by_host, here))
            if any(rules.names(name, key.host) for rules in naming):
                return True
        return False

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
        if certificate is None:
            return self.of_hosts.get(key) if self._hub.awaits(view, decided.secret) else None
        if decided.if_covered and not certificate.covers(key.host):
            return None
        return build_secret(key.host, certificate, decided.secret)

    def _default(self, view: View, gateway: Ref) -> Resource | None:
        """Choose the certificate for other hosts: the gateway's own, else one of an Ingress."""
        decided = view.get(self.deciders, CertificateKey(gateway, ""))
        own = view.must(self._gateways.default_certificates, gateway)
        for secret in (*own, *((decided.secret,) if decided else ())):
            if certificate := self._usable(view, secret):
                return build_secret("", certificate, secret)
            if self._hub.awaits(view, secret) and (former := self.defaults.get(gateway)):
                return former
        return None

    def _named(self, view: View, gateway: Ref) -> Names:
        """Return the names in the certificates that fields of the gateway name, and the Secrets.

        The certificate that is declared first has a name.
        """
        found: dict[CertificateKey, Ref] = {}
        for _, secret in view.must(self._gateways.certificates, gateway):
            certificate = self._usable(view, secret)
            names = [CertificateKey(gateway, name) for name in hosts_in(certificate)]
            if certificate is None and self._hub.awaits(view, secret):
                names = [key for key, of in self.names.get(gateway) or () if of == secret]
            for key in names:
                found.setdefault(key, secret)
        return tuple(found.items())

    def _of_name(self, view: View, key: CertificateKey) -> Resource | None:
        if view.get(self._has_own, key) is not None:
            return None
        names: Names = view.must(self.names, key.gateway)
        secret = dict(names)[key]
        if certificate := self._usable(view, secret):
            return build_secret(key.host, certificate, secret)
        return self.of_names.get(key)

    def _usable(self, view: View, secret: Ref) -> Certificate | None:
        """Return the certificate of a Secret, or its last usable one."""
        reading = view.get(self.readings, secret)
        certificate = reading.certificate if reading else None
        if certificate and view.get(self.validities, secret) is not Validity.ENDED:
            return certificate
        return view.get(self._inputs.last_certificates, secret) or certificate


def _keys(_: Ref, names: Names) -> Iterator[CertificateKey]:
    return (key for key, _ in names)


def _with_tls(ref: Ref, rules: IngressRules) -> tuple[Ref, ...]:
    return (ref,) if rules.tls else ()


def _secrets_at(_: Ref, named: Iterable[SecretAt]) -> frozenset[Ref]:
    return frozenset(each.secret for each in named)
