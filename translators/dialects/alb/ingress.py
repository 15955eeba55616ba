"""An Ingress of the ALB dialect is read into rules, each for the listeners that it is meant for.

With `listen-ports`, every host is served on exactly the listeners that it lists. Without it, a host
is served on HTTP 80, or on HTTPS 443 if `spec.tls` names the host. A listener for QUIC has the
Ingresses of the one for HTTPS at the same port.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from fleet.models import Ingress, IngressTls, ServiceBackend
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.features import AlbFeatures, read_alb_features
from translators.dialects.alb.listen_ports import LISTEN_PORTS
from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.values import pattern
from translators.dialects.classes import effective_class
from translators.dialects.paths import as_requested, is_ambiguous, plain_path
from translators.dialects.reading import IngressReader, age_of, named_tls
from translators.dialects.tls import with_tls
from translators.envoy.names import tables_of
from translators.model.ingresses import Asked, IngressRules
from translators.model.listeners import ListenerPort, Protocol, TableSet
from translators.model.paths import Path, PathKind

HTTP: Final = ListenerPort(80, Protocol.HTTP)

HTTPS: Final = ListenerPort(443, Protocol.HTTPS)

USE_ANNOTATION: Final = "use-annotation"
"""The port name of a backend that names an action of an annotation, instead of a Service."""

_WILDCARDS: Final = {"*": ".*", "?": "."}

_PATTERN: Final = re.compile(r"/[\x21\x22\x24-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff]{0,4095}")
"""Printable characters, without blank, backslash and "#"."""


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
    reading = IngressReader(
        ref,
        age_of(ingress),
        effective_class(ingress),
        features.wanted,
        problems,
        alb_path,
        ports.sets,
        partial(_takes, ref, features, problems),
    )
    rules = reading.everything(ingress)
    return with_tls(ref, ingress, replace(rules, asked=ports.asked(rules)))


def alb_path(path_type: str, text: str) -> Path:
    """Read a path. An ImplementationSpecific path is a pattern, or exact if it has no wildcards."""
    if path_type == "Prefix" or not text:
        return plain_path(PathKind.PREFIX, text)
    if _WILDCARDS.keys().isdisjoint(text):
        return plain_path(PathKind.EXACT, text)
    if path_type == "Exact":
        raise Unusable("a path without * and ?, which are for pathType ImplementationSpecific")
    if not _PATTERN.fullmatch(text):
        raise Unusable("a path that starts with /, without blank, backslash and #")
    seen = as_requested(text)
    parts = (_WILDCARDS.get(character) or re.escape(character) for character in seen)
    found = pattern("".join(parts), "{}")
    return Path(
        PathKind.REGEX,
        found.regex,
        written=text if seen != text else "",
        ambiguous=is_ambiguous(seen),
        instructions=found.instructions,
        # A "?" behind a "*" makes RE2 count characters behind a run of any length. Only then its
        # automaton becomes large, and the cost of a match grows with the length of the path.
        short_only="?" in seen.partition("*")[2],
    )


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
    ref: Ref, features: AlbFeatures, problems: list[Problem], at: str, service: ServiceBackend
) -> bool:
    """Return whether a backend is served.

    A backend is not served if it is no Service, or if an annotation without effect would decide
    about its requests.
    """
    if service.name in features.unserved:
        return False
    if service.port.name != USE_ANNOTATION:
        return True
    expected = f"an annotation actions.{service.name}, or the port of a Service"
    effect = "this rule is not served"
    key = f"{at}.service.port"
    problems.append(Problem(ref, "InvalidBackend", key, USE_ANNOTATION, expected, effect))
    return False
