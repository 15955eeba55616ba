"""An Ingress of the ALB dialect is read into rules, each for the listeners that it is meant for.

With `listen-ports`, every host is served on exactly the listeners that it lists. Without it, a host
is served on HTTP 80, or on HTTPS 443 if `spec.tls` names the host. A listener for QUIC has the
Ingresses of the one for HTTPS at the same port.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from fleet.models import Ingress, IngressTls, ServiceBackend
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.features import read_alb_features
from translators.dialects.alb.https_redirect import HTTP, redirected
from translators.dialects.alb.listen_ports import LISTEN_PORTS
from translators.dialects.alb.paths import alb_path
from translators.dialects.annotations.feature import OfService, Wanted
from translators.dialects.classes import effective_class
from translators.dialects.paths import either_way
from translators.dialects.reading import DEFAULT_BACKEND, IngressReader, age_of, named_tls
from translators.dialects.tls import with_tls
from translators.envoy.names import tables_of
from translators.model.ingresses import Asked, IngressRules
from translators.model.listeners import ListenerPort, Protocol, TableSet

HTTPS: Final = ListenerPort(443, Protocol.HTTPS)

USE_ANNOTATION: Final = "use-annotation"
"""The port name of a backend that names an action of an annotation, instead of a Service."""


def read_alb_ingress(ref: Ref, ingress: Ingress) -> IngressRules:
    """Read the rules, default backend and annotations of an Ingress of the ALB dialect."""
    features = read_alb_features(ref, ingress.metadata.annotations, ingress.metadata.unread)
    problems = list(features.problems)
    if not features.served:
        return IngressRules(problems=tuple(problems))
    ports = _Ports(
        features.ports,
        frozenset(host for entry in ingress.spec.tls for host in _hosts(entry)),
    )
    if features.ports is None:
        problems.extend(_without_hosts(ref, ingress))
    wanted = features.wanted
    path = partial(alb_path, reading=wanted.paths)
    reading = IngressReader(
        ref,
        age_of(ingress),
        effective_class(ingress),
        wanted,
        problems,
        either_way(path) if wanted.split else path,
        ports.sets,
        partial(_takes, ref, wanted, problems),
    )
    read = reading.everything(ingress)
    rules = replace(
        read,
        rules=tuple(redirected(read.rules)),
        defaults=tuple(redirected(read.defaults)),
    )
    sent = next((rule.https_only for rule in read.everything if rule.https_only), "")
    asked = tuple(_with_redirect(ports.asked(rules), sent))
    return with_tls(ref, ingress, replace(rules, asked=asked))


@dataclass(frozen=True, slots=True)
class _Ports:
    """The listeners that an Ingress is meant for, by host."""

    declared: tuple[ListenerPort, ...] | None
    tls_hosts: frozenset[str]

    def sets(self, host: str) -> tuple[TableSet, ...]:
        """Return the sets of route tables in which a host stands."""
        return tuple(tables_of(port) for declared in self._of(host) for port in _ways(declared))

    def asked(self, rules: IngressRules) -> tuple[Asked, ...]:
        """Return the listeners of all rules, each with the field that asks for it."""
        if self.declared is not None:
            key = LISTEN_PORTS.spellings[0]
            return tuple(Asked(p, key, f'{{"{p.protocol}":{p.port}}}') for p in self.declared)
        hosts = {rule.host for rule in rules.everything}
        secured = sorted(host for host in hosts if self._of(host) == (HTTPS,))
        asked = [Asked(HTTPS, "spec.tls", ", ".join(secured))] if secured else []
        if hosts - set(secured):
            asked.append(Asked(HTTP, LISTEN_PORTS.spellings[0], ""))
        return tuple(asked)

    def _of(self, host: str) -> tuple[ListenerPort, ...]:
        if self.declared is not None:
            return self.declared
        return (HTTP,) if self.tls_hosts.isdisjoint(_securing(host)) else (HTTPS,)


def _ways(listener: ListenerPort) -> Iterator[ListenerPort]:
    """Yield a listener, and beside one for HTTPS the one for HTTP/3 at its port."""
    yield listener
    if listener.protocol is Protocol.HTTPS:
        yield listener._replace(protocol=Protocol.QUIC)


def _with_redirect(asked: Collection[Asked], redirect: str) -> Iterator[Asked]:
    """Yield the listeners, and HTTP 80 too if the annotation `redirect` asks for it."""
    yield from asked
    if redirect and HTTP not in {each.listener for each in asked}:
        yield Asked(HTTP, redirect, "true")


def _hosts(entry: IngressTls) -> frozenset[str]:
    return frozenset(host.lower() for host in entry.hosts)


def _securing(host: str) -> frozenset[str]:
    """Return the hosts in `spec.tls` that cover the host of a rule: itself, and its wildcard."""
    return frozenset((host, f"*.{host.partition('.')[2]}"))


def _without_hosts(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    """Report entries of `spec.tls` without hosts: they move no host to HTTPS."""
    idle = [entry for entry in ingress.spec.tls if not entry.hosts]
    if idle:
        named = ", ".join(named_tls(idle))
        expected = f"hosts in the entry, or {LISTEN_PORTS.spellings[0]} beside it"
        effect = "no host is served on 443/HTTPS by it"
        yield Problem(ref, "TlsWithoutHosts", "spec.tls", named, expected, effect)


def _takes(
    ref: Ref, wanted: Wanted, problems: list[Problem], at: str, service: ServiceBackend
) -> bool:
    """Return whether a backend is served.

    A backend is not served if an annotation that decides about its requests cannot be used, or if
    it is no Service and no annotation says what it is.
    """
    of = wanted.of_services.get(service.name, OfService())
    if not of.served:
        return False
    port = service.port.name or str(service.port.number)
    is_action = port == USE_ANNOTATION
    if is_action and of.action is None:
        key, value = f"{at}.service.port", port
        expected = "an action that ends in actions.{}: ForwardGroup, Redirect or FixedResponse"
    elif of.action is not None and not is_action:
        key, value = f"{at}.service.port", port
        expected = f"the port name {USE_ANNOTATION}, since actions.{{}} takes the Service's place"
    elif of.is_narrowed and at == DEFAULT_BACKEND:
        key, value = at, service.name
        expected = "a backend without conditions.{}: a default backend takes all requests"
    else:
        return True
    effect = "this rule is not served"
    expected = expected.format(service.name)
    problems.append(Problem(ref, "InvalidBackend", key, value, expected, effect))
    return False
