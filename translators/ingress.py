"""The MSE dialect: an Ingress is read into rules.

The unit of failure is one rule or one annotation: what cannot be used becomes a problem, the rest
is served.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from fleet.models import Ingress, IngressBackend, IngressRule
from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations.feature import Change
from translators.annotations.features import read_features
from translators.annotations.reader import Unusable
from translators.model import (
    UNDATED,
    Age,
    Backend,
    Forward,
    Path,
    PathKind,
    Rule,
    ServicePort,
    Share,
    Target,
)

T = TypeVar("T")

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_NAME: Final = re.compile(_LABEL)
_PATH: Final = re.compile(r"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]{0,4095}")
"""Printable ASCII without blank and backslash, and without "?" and "#", which end a path."""

_UNREACHABLE: Final = re.compile(r"//|/\.\.?(?:/|$)|%2f|%5c", re.IGNORECASE)
"""What Envoy normalises away in requests before it looks for a route."""


@dataclass(frozen=True, slots=True)
class IngressRules:
    """What an Ingress declares. `default` is its `spec.defaultBackend`, as a rule of every path."""

    rules: tuple[Rule, ...] = ()
    default: Rule | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts whose routes depend on this Ingress; "" stands for every other host."""
        default = {""} if self.default else set()
        return frozenset(default | {rule.host for rule in self.rules})

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules, then the default backend."""
        return (*self.rules, self.default) if self.default else self.rules

    @property
    def named(self) -> Iterator[tuple[Rule, Backend]]:
        """The backends that its rules name, each with the rule that does."""
        for rule in self.everything:
            if isinstance(rule.action, Forward):
                for share in rule.action.shares:
                    for backend in share.target.backends:
                        yield rule, backend


def age_of(ingress: Ingress) -> Age:
    """How old the Ingress is, which decides between Ingresses that claim the same."""
    meta = ingress.metadata
    return Age(meta.creation_timestamp or UNDATED, f"{meta.name}.{meta.namespace}")


def read_ingress(ref: Ref, ingress: Ingress) -> IngressRules:
    """Read rules, default backend and annotations."""
    changes, found = read_features(ref, ingress.metadata.annotations)
    reading = _Reading(ref, age_of(ingress), changes, list(found))
    rules = [
        rule
        for i, ingress_rule in enumerate(ingress.spec.rules)
        for rule in reading.rules(f"spec.rules[{i}]", ingress_rule)
    ]
    if ingress.spec.tls:
        reading.problems.append(
            Problem(
                ref,
                "NotSupported",
                "spec.tls",
                ", ".join(tls.secret_name for tls in ingress.spec.tls),
                "a later version of fleetgate",
                "its hosts are served by HTTP alone",
            )
        )
    default = None
    if ingress.spec.default_backend is not None:
        default = reading.default("spec.defaultBackend", ingress.spec.default_backend)
    return IngressRules(tuple(rules), default, tuple(reading.problems))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One Ingress being read; `problems` collects what cannot be used."""

    ref: Ref
    age: Age
    changes: tuple[Change, ...]
    problems: list[Problem]

    def rules(self, at: str, rule: IngressRule) -> Iterator[Rule]:
        """The usable rules of one host."""
        host = self._attempt("InvalidHost", f"{at}.host", rule.host, _host)
        if host is None or rule.http is None:
            return
        for j, http_path in enumerate(rule.http.paths):
            where = f"{at}.http.paths[{j}]"
            kind = PathKind.EXACT if http_path.path_type == "Exact" else PathKind.PREFIX
            path = self._attempt("InvalidPath", f"{where}.path", http_path.path, _path(kind))
            forward = self._forward(f"{where}.backend", http_path.backend)
            if path is not None and forward is not None:
                yield self._changed(Rule(self.ref, where, self.age, host, path, forward))

    def default(self, at: str, backend: IngressBackend) -> Rule | None:
        """The default backend; a canary creates no route of its own, so it has none."""
        forward = self._forward(at, backend)
        if forward is None:
            return None
        path = Path(PathKind.PREFIX, "/")
        rule = self._changed(Rule(self.ref, at, self.age, "", path, forward))
        return None if rule.alternative else rule

    def _changed(self, rule: Rule) -> Rule:
        for change in self.changes:
            rule = change(rule)
        return rule

    def _forward(self, at: str, backend: IngressBackend) -> Forward | None:
        service = backend.service
        name = service.name if service else ""
        parsed = self._attempt("InvalidBackend", f"{at}.service.name", name, _service_name)
        if parsed is None or service is None:
            return None
        number, port_name = service.port.number, service.port.name
        port = self._attempt(
            "InvalidBackend",
            f"{at}.service.port",
            str(number or port_name),
            lambda _: _port(number, port_name),
        )
        if port is None:
            return None
        return Forward((Share(Target((Backend(self.ref.namespace, parsed, port),)), 1),))

    def _attempt(self, reason: str, key: str, value: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(value)
        except Unusable as e:
            effect = e.effect or "this rule is not served"
            self.problems.append(Problem(self.ref, reason, key, value, e.expected, effect))
            return None


def _host(text: str) -> str:
    """A host in lower case; "" is every host."""
    host = text.lower()
    if host and (len(host) > 253 or not _HOST.fullmatch(host)):
        raise Unusable("a DNS name such as shop.example.com or *.example.com")
    return host


def _path(kind: PathKind) -> Callable[[str], Path]:
    """A path as requests carry it; a prefix is kept without its trailing slash."""

    def parse(text: str) -> Path:
        path = text or "/"
        if not _PATH.fullmatch(path):
            raise Unusable("a path that starts with / and is percent-encoded, without ? and #")
        if _UNREACHABLE.search(path):
            raise Unusable(
                "a path without //, /./, /../, %2F and %5C",
                "requests are normalised before they are routed, so nothing would match it",
            )
        if kind is PathKind.PREFIX and path != "/":
            path = path.removesuffix("/")
        return Path(kind, path)

    return parse


def _service_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Unusable("the name of a Service in the Ingress's namespace")
    return text


def _port(number: int | None, name: str) -> ServicePort:
    if number is not None:
        return ServicePort(number)
    if not _NAME.fullmatch(name.lower()):
        raise Unusable("a port's number or name")
    return ServicePort(name=name)
