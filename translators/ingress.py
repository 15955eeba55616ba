"""The MSE dialect: an Ingress is read into rules; `translators.alb_ingress` has the other one.

The unit of failure is one rule or one annotation: what cannot be used becomes a problem, the rest
is served.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from fleet.models import (
    HttpPath,
    Ingress,
    IngressBackend,
    IngressRule,
    IngressTls,
    ServiceBackend,
    by_position,
)
from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations.feature import Change
from translators.annotations.features import read_features
from translators.annotations.reader import Unusable
from translators.attachments import effective_class
from translators.bounds import MAX_ROUTES_OF_INGRESS
from translators.model import (
    MSE_TABLES,
    UNDATED,
    Age,
    Backend,
    Forward,
    ListenerPort,
    Path,
    PathKind,
    Rule,
    ServicePort,
    Share,
    TableSet,
    Target,
    size_of,
)

T = TypeVar("T")

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_NAME: Final = re.compile(_LABEL)
_PORT_NAME: Final = re.compile(rf"(?=.*[a-z]){_LABEL}")
"""As Kubernetes has it: the name of a Cluster would not tell a port named 80 from the number."""

_PATH: Final = re.compile(
    r"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff]{0,4095}"
)
"""Printable without blank and backslash, and without "?" and "#", which end a path."""

_RESPELT: Final = re.compile(
    r'["<>^`{|}\xa0-\U0010ffff]'
    "|%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"  # letters, digits, - . _ ~
)
"""What Envoy, and clients before it, spell otherwise in requests."""

_STRAY: Final = re.compile("%(?![0-9A-Fa-f]{2})(?=(?:[0-9A-Fa-f]|%3[0-9]|%[46][1-6]){2})")
"""A "%" that begins no escape but would, were what follows decoded: Envoy makes it %25."""

_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")

_UNREACHABLE: Final = re.compile(r"/\.\.?(?:[/;]|$)|%00")
"""What Envoy normalises away in requests before it looks for a route, or refuses."""

_AMBIGUOUS: Final = re.compile("//|%2F|%5C")
"""What strict normalisation takes away, as `Path` says."""

NORMALISED: Final = "requests are normalised before they are routed, so nothing would match it"
"""What follows for a path that no request has."""

_EVERYTHING: Final = Path(PathKind.PREFIX, "/")

_FEW: Final = 8
"""Rules that are looked at one by one."""

_ByHost: TypeAlias = Mapping[str, Sequence[Rule]] | None

_NO_HOSTS: Final[frozenset[tuple[TableSet, str]]] = frozenset()
"""One for all Ingresses: an empty set of its own is 200 bytes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A listener that an Ingress is meant for, and the field that says so (ALB)."""

    listener: ListenerPort
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class IngressRules:
    """What an Ingress declares.

    `defaults` are its `spec.defaultBackend`: for each of its hosts and for "" a rule of every path.
    `bare` are those of its hosts for which it has neither, and which are its own all the same.
    `leads_out` says that some backend is in another namespace. `without_rules` is who it is, where
    no rule says so.

    A host asks for what is declared for it. An Ingress may have thousands of hosts, so that is
    found without a look at the rules of all others.
    """

    rules: tuple[Rule, ...] = ()
    defaults: tuple[Rule, ...] = ()
    bare: frozenset[tuple[TableSet, str]] = _NO_HOSTS
    problems: tuple[Problem, ...] = ()
    asked: tuple[Asked, ...] = ()
    leads_out: bool = False
    without_rules: tuple[Age, Ref] | None = None
    _rules: _ByHost = field(init=False, repr=False, compare=False)
    _defaults: _ByHost = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rules", _by_host(self.rules))
        object.__setattr__(self, "_defaults", _by_host(self.defaults))

    def rules_of(self, host: str) -> Sequence[Rule]:
        """The rules of a host, in their order. O(those)."""
        return _of_host(host, self.rules, self._rules)

    def defaults_of(self, host: str) -> Sequence[Rule]:
        """The default backend of a host, if it has one."""
        return _of_host(host, self.defaults, self._defaults)

    @property
    def by(self) -> tuple[Age, Ref] | None:
        """Whose they are, the older one first; None where it declares nothing that is usable."""
        for rule in (*self.rules[:1], *self.defaults[:1]):
            return rule.age, rule.origin
        return self.without_rules

    @property
    def https_only(self) -> bool:
        """Whether an annotation keeps requests in clear from its rules: from all, or from none."""
        return any(rule.https_only for rule in (*self.rules[:1], *self.defaults[:1]))

    @property
    def hosts(self) -> frozenset[tuple[TableSet, str]]:
        """The hosts whose routes depend on this Ingress, in each set of route tables.

        "" stands for every host that no rule names.
        """
        served = {(tables, rule.host) for rule in self.everything for tables in rule.sets}
        return self.bare | served

    def names(self, tables: TableSet, host: str) -> bool:
        """Whether it declares the host.

        A canary does not, nor does a default backend declare every host.
        """
        declared = (*self.rules_of(host), *(self.defaults_of(host) if host else ()))
        return (tables, host) in self.bare or any(
            tables in rule.sets and rule.alternative is None for rule in declared
        )

    @property
    def sets(self) -> frozenset[TableSet]:
        """The sets of route tables in which it serves something."""
        return frozenset(tables for rule in self.everything for tables in rule.sets)

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules, then the default backend of each host."""
        return (*self.rules, *self.defaults)

    @property
    def named(self) -> Iterator[tuple[Rule, Backend]]:
        """The backends that its rules name, each with the rule that does."""
        for rule in self.everything:
            if isinstance(rule.action, Forward):
                for share in rule.action.shares:
                    for backend in share.target.backends:
                        yield rule, backend


def _by_host(rules: Sequence[Rule]) -> _ByHost:
    """Group rules by their hosts; None where they are so few that the groups would cost more."""
    if len(rules) <= _FEW:
        return None
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.host, []).append(rule)
    return found


def _of_host(host: str, rules: Sequence[Rule], by_host: _ByHost) -> Sequence[Rule]:
    if by_host is None:
        return [rule for rule in rules if rule.host == host]
    return by_host.get(host, ())


def age_of(ingress: Ingress) -> Age:
    """How old the Ingress is, which decides between Ingresses that claim the same."""
    meta = ingress.metadata
    return Age(meta.creation_timestamp or UNDATED, f"{meta.name}.{meta.namespace}")


def read_ingress(ref: Ref, ingress: Ingress) -> IngressRules:
    """Read the rules, default backend and annotations of an Ingress of the MSE dialect."""
    changes, found = read_features(ref, ingress.metadata.annotations, ingress.metadata.unread)
    problems = list(found)
    if ingress.spec.tls:
        problems.append(
            Problem(
                ref,
                "NotSupported",
                "spec.tls",
                ", ".join(named_tls(ingress.spec.tls)),
                "a later version of fleetgate",
                "its hosts are served by HTTP alone",
            )
        )
    reading = Reading(ref, age_of(ingress), effective_class(ingress), changes, problems)
    return reading.everything(ingress)


def named_tls(entries: Iterable[IngressTls]) -> Iterator[str]:
    """The entries by their Secrets, and by their hosts where they name none."""
    for entry in entries:
        yield from (entry.secret_name,) if entry.secret_name else entry.hosts


def mse_path(path_type: str, text: str) -> Path:
    """What is not Exact is a Prefix."""
    return plain_path(PathKind.EXACT if path_type == "Exact" else PathKind.PREFIX, text)


def one_set(_: str) -> tuple[TableSet, ...]:
    """Every host is served on all listeners."""
    return (MSE_TABLES,)


def all_backends(_at: str, _service: ServiceBackend) -> bool:
    """Every backend is served."""
    return True


class _Host(NamedTuple):
    """A host that an Ingress declares: the place of its rule, and its paths."""

    at: str
    name: str
    paths: tuple[HttpPath, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One Ingress being read; `problems` collects what cannot be used.

    What differs between dialects: `path` reads a path by its type, or raises Unusable; `sets` are
    the route tables of a host; `takes` says whether the rule at a place is served by its backend.
    """

    ref: Ref
    age: Age
    ingress_class: str
    changes: tuple[Change, ...]
    problems: list[Problem]
    path: Callable[[str, str], Path] = mse_path
    sets: Callable[[str], tuple[TableSet, ...]] = one_set
    takes: Callable[[str, ServiceBackend], bool] = all_backends

    def everything(self, ingress: Ingress) -> IngressRules:
        """The usable rules and default backend."""
        hosts = tuple(self._hosts(ingress.spec.rules))
        room = _Room(self.ref, self.problems)
        rules = tuple(room.for_some(rule for host in hosts for rule in self._rules(host)))
        own = dict.fromkeys(() if self._is_canary else ("", *(host.name for host in hosts)))
        defaults = tuple(room.for_some(self._defaults(ingress.spec.default_backend, own)))
        served = {rule.host for rule in (*rules, *defaults)}
        bare = [host for host in hosts if host.name in own and host.name not in served]
        self.problems.extend(_without_paths(self.ref, host) for host in bare if not host.paths)
        tables = frozenset((each, host.name) for host in bare for each in self.sets(host.name))
        return IngressRules(
            rules,
            defaults,
            tables or _NO_HOSTS,
            tuple(self.problems),
            leads_out=any(self._leads_out(rule) for rule in (*rules, *defaults)),
            without_rules=(self.age, self.ref) if tables else None,
        )

    def _leads_out(self, rule: Rule) -> bool:
        if not isinstance(rule.action, Forward):
            return False
        backends = (b for share in rule.action.shares for b in share.target.backends)
        return any(backend.namespace != self.ref.namespace for backend in backends)

    @property
    def _is_canary(self) -> bool:
        """Whether it only adds to the rules of other Ingresses: it creates no host and no route."""
        return self._rule("spec", "", _EVERYTHING, Forward(())).alternative is not None

    def _hosts(self, rules: Iterable[IngressRule]) -> Iterator[_Host]:
        for i, rule in by_position(rules):
            at = f"spec.rules[{i}]"
            name = self._attempt("InvalidHost", f"{at}.host", rule.host, _host)
            if name is not None:
                yield _Host(at, name, rule.http.paths if rule.http else ())

    def _rules(self, host: _Host) -> Iterator[Rule]:
        """The usable rules of one host."""
        for j, declared in by_position(host.paths):
            where = f"{host.at}.http.paths[{j}]"
            parse = partial(self.path, declared.path_type)
            path = self._attempt("InvalidPath", f"{where}.path", declared.path, parse)
            forward = self._forward(f"{where}.backend", declared.backend)
            if path is not None and forward is not None:
                yield self._rule(where, host.name, path, forward)

    def _defaults(self, backend: IngressBackend | None, hosts: Collection[str]) -> Iterator[Rule]:
        """The default backend, for each of the hosts; a canary has none."""
        at = "spec.defaultBackend"
        if backend is None or (forward := self._forward(at, backend)) is None:
            return
        if not hosts:
            self.problems.append(_idle_default(self.ref, at, forward))
        for host in hosts:
            yield self._rule(at, host, _EVERYTHING, forward)

    def _rule(self, at: str, host: str, path: Path, forward: Forward) -> Rule:
        """A rule as the annotations change it."""
        sets = self.sets(host)
        rule = Rule(
            self.ref, at, self.age, host, path, forward, sets=sets, ingress_class=self.ingress_class
        )
        for change in self.changes:
            rule = change(rule)
        return rule

    def _forward(self, at: str, backend: IngressBackend) -> Forward | None:
        service, resource = backend.service, backend.resource
        if service is None and resource is not None:
            named = f"{resource.kind} {resource.name}"
            self._attempt("InvalidBackend", f"{at}.resource", named, _no_service)
            return None
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
        if port is None or not self.takes(at, service):
            return None
        return Forward((Share(Target((Backend(self.ref.namespace, parsed, port),)), 1),))

    def _attempt(self, reason: str, key: str, value: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(value)
        except Unusable as e:
            effect = e.effect or "this rule is not served"
            self.problems.append(Problem(self.ref, reason, key, value, e.expected, effect))
            return None


@dataclass(slots=True)
class _Room:
    """How many rules of an Ingress are read; the first one too many is a problem."""

    ref: Ref
    problems: list[Problem]
    taken: int = 0

    def for_some(self, rules: Iterable[Rule]) -> Iterator[Rule]:
        """The rules that there is room for."""
        for rule in rules:
            self.taken += size_of(rule.action) * len(rule.sets)
            if self.taken > MAX_ROUTES_OF_INGRESS:
                self.problems.append(_too_many(rule))
                return
            yield rule


def _too_many(rule: Rule) -> Problem:
    expected = (
        f"at most {MAX_ROUTES_OF_INGRESS} rules in an Ingress, each counted once for each of its "
        "backends, on each of its listeners"
    )
    value = f"{rule.host or '*'} {rule.path}"
    effect = "this rule and those after it are not served"
    return Problem(rule.origin, "TooManyRules", rule.at, value, expected, effect)


def _without_paths(ref: Ref, host: _Host) -> Problem:
    """The problem of a host without paths, in an Ingress without default backend."""
    expected = "paths for it, or a spec.defaultBackend"
    effect = "its requests get 404 unless another Ingress serves this host"
    return Problem(ref, "HostWithoutPaths", f"{host.at}.host", host.name, expected, effect)


def _idle_default(ref: Ref, at: str, declared: Forward) -> Problem:
    """The problem of a canary's default backend."""
    (share,) = declared.shares
    (backend,) = share.target.backends
    value = f"{backend.service}:{backend.port}"
    expected = "an Ingress without canary: a canary only adds to the rules of another one"
    effect = "no request goes to it"
    return Problem(ref, "CanaryDefaultBackend", at, value, expected, effect)


def _host(text: str) -> str:
    """A host in lower case; "" is every host."""
    host = text.lower()
    if host and (len(host) > 253 or not _HOST.fullmatch(host)):
        raise Unusable("a DNS name such as shop.example.com or *.example.com")
    return host


def plain_path(kind: PathKind, text: str) -> Path:
    """A path as requests carry it; a prefix is kept without its trailing slash."""
    declared = text or "/"
    if not _PATH.fullmatch(declared):
        raise Unusable("a path that starts with /, without blank, backslash, ? and #")
    path = as_requested(declared)
    written = declared if path != declared else ""
    if kind is PathKind.PREFIX and path.endswith("//"):
        raise Unusable("a prefix that ends with one / at most")
    if kind is PathKind.PREFIX and path != "/":
        path = path.removesuffix("/")
    return Path(kind, path, written, is_ambiguous(path))


def is_ambiguous(path: str) -> bool:
    """Whether a backend may read the path, spelt as requests have it, in two ways."""
    return _AMBIGUOUS.search(path) is not None


def as_requested(path: str) -> str:
    """The path as it is in requests when they are routed; Unusable where it never is.

    They are normalised before: by Envoy, but for the capitals of escapes (`translators.repair`).
    """
    seen = _RESPELT.sub(lambda found: quote(unquote(found[0])), _STRAY.sub("%25", path))
    if _UNREACHABLE.search(seen):
        raise Unusable("a path without /./, /../, /.;, /..; and %00", NORMALISED)
    return _ESCAPE.sub(lambda found: found[0].upper(), seen)


def _no_service(_: str) -> None:
    raise Unusable("`service`, with a Service of the Ingress's namespace")


def _service_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise Unusable("the name of a Service in the Ingress's namespace")
    return text


def _port(number: int | None, name: str) -> ServicePort:
    if number is not None:
        return ServicePort(number)
    if not _PORT_NAME.fullmatch(name.lower()):
        raise Unusable("a port by its number, or by its name with at least one letter")
    return ServicePort(name=name)
