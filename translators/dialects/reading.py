"""The spec of an Ingress is read into rules, in the way that all dialects share.

The unit of failure is one rule: a rule that cannot be used becomes a problem, and the others are
served. `IngressReader` takes as functions what differs between dialects.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final, NamedTuple, TypeVar

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
from translators.dialects.annotations.feature import Aliases, OfService, Wanted
from translators.dialects.annotations.reader import Unusable
from translators.dialects.hosts import LABEL, host_name
from translators.model.actions import Action, Forward, Redirect, Share, size_of
from translators.model.backends import Backend, ServicePort, Target
from translators.model.bounds import MAX_ROUTES_OF_INGRESS
from translators.model.canaries import Canary, Split
from translators.model.conditions import Condition, surcharge
from translators.model.ingresses import NO_HOSTS, Alias, IngressRules
from translators.model.listeners import TableSet
from translators.model.paths import Path, PathKind
from translators.model.policy import at_redirect
from translators.model.rules import UNDATED, Age, Rule
from translators.policies.policy import asked_by

T = TypeVar("T")

_NAME: Final = re.compile(LABEL)

_PORT_NAME: Final = re.compile(rf"(?=.*[a-z]){LABEL}")
"""A port name has a letter, as Kubernetes demands it.

Otherwise the name of a Cluster could not distinguish a port named 80 from port number 80."""

DEFAULT_BACKEND: Final = "spec.defaultBackend"

_EVERYTHING: Final = Path(PathKind.PREFIX, "/")


_NOTHING_MORE: Final = OfService()
"""What annotations ask for of the rules of most Services."""


def age_of(ingress: Ingress) -> Age:
    """Return the age of an Ingress, which decides between Ingresses that claim the same path."""
    meta = ingress.metadata
    return Age(meta.creation_timestamp or UNDATED, f"{meta.name}.{meta.namespace}")


def named_tls(entries: Iterable[IngressTls]) -> Iterator[str]:
    """Name each entry of `spec.tls` by its Secret, or by its hosts if it names no Secret."""
    for entry in entries:
        yield from (entry.secret_name,) if entry.secret_name else entry.hosts


def all_backends(_at: str, _service: ServiceBackend) -> bool:
    """Accept every backend."""
    return True


class _Host(NamedTuple):
    """A host that an Ingress declares, with the field that declares it and its paths."""

    at: str
    name: str
    paths: tuple[HttpPath, ...]


_EVERY_HOST: Final = _Host("", "", ())
"""The host of an Ingress that has a default backend and no hosts."""


@dataclass(frozen=True, slots=True)
class IngressReader:
    """Reads one Ingress; `problems` collects the problems of its parts.

    The dialect gives three functions. `path` reads a path by its type and text, and raises Unusable
    for one that cannot be used. `sets` gives the sets of route tables in which a host stands.
    `takes` says whether the backend at a field is served; it reports a backend that is not.
    """

    ref: Ref
    age: Age
    ingress_class: str
    wanted: Wanted
    problems: list[Problem]
    path: Callable[[str, str], Path]
    sets: Callable[[str], tuple[TableSet, ...]]
    takes: Callable[[str, ServiceBackend], bool] = all_backends

    def everything(self, ingress: Ingress) -> IngressRules:
        """Read the usable rules and the default backend."""
        hosts = tuple(self._hosts(ingress.spec.rules))
        room = _Room(self.ref, self.problems)
        split = self.wanted.split
        everywhere = hosts or ((_EVERY_HOST,) if ingress.spec.default_backend else ())
        extras = (rule for host in everywhere for rule in self._extras(host))
        declared: Iterator[Rule] = (rule for host in hosts for rule in self._rules(host))
        if any(of.is_narrowed for of in self.wanted.of_services.values()):
            declared = _once(declared)
        rules = tuple(room.for_some(chain(extras if split is None else (), declared)))
        own = dict.fromkeys(("", *(host.name for host in hosts)) if split is None else ())
        defaults = tuple(room.for_some(self._defaults(ingress.spec.default_backend, own)))
        served = {rule.host for rule in (*rules, *defaults)}
        bare = [host for host in hosts if host.name in own and host.name not in served]
        self.problems.extend(_without_paths(self.ref, host) for host in bare if not host.paths)
        tables = frozenset((each, host.name) for host in bare for each in self.sets(host.name))
        aliases = tuple(self._aliases(hosts)) if self.wanted.aliases and split is None else ()
        return IngressRules(
            rules if split is None else (),
            () if split is None else tuple(_canaries(hosts, rules, split)),
            defaults,
            tables or NO_HOSTS,
            tuple(self.problems),
            aliases=aliases,
            policies=tuple(self.wanted.policies),
            weights=self.wanted.weights,
            leads_out=any(self._leads_out(rule) for rule in (*rules, *defaults)),
            without_rules=(self.age, self.ref) if tables else None,
        )

    def _aliases(self, hosts: Iterable[_Host]) -> Iterator[Alias]:
        """Yield the further names that annotations give to hosts of the Ingress."""
        named = tuple(dict.fromkeys(host.name for host in hosts if host.name))
        for aliases in self.wanted.aliases:
            given = tuple(aliases.of(named))
            if not given:
                self.problems.append(_without_hosts(self.ref, aliases))
            for alias in given:
                if alias.host not in named:
                    yield replace(alias, sets=self.sets(alias.of))

    def _leads_out(self, rule: Rule) -> bool:
        backends = [*asked_by(rule.policies)] if rule.policies else []
        if isinstance(rule.action, Forward):
            for share in rule.action.shares:
                backends += share.target.backends
            for policy in rule.policies:
                for target in policy.targets:
                    backends += target.backends
        return any(backend.namespace != self.ref.namespace for backend in backends)

    def _hosts(self, rules: Iterable[IngressRule]) -> Iterator[_Host]:
        for i, rule in by_position(rules):
            at = f"spec.rules[{i}]"
            name = self._attempt("InvalidHost", f"{at}.host", rule.host, host_name)
            if name is not None:
                yield _Host(at, name, rule.http.paths if rule.http else ())

    def _extras(self, host: _Host) -> Iterator[Rule]:
        """Yield the rules that annotations add to a host."""
        for at, path, action in self.wanted.extras:
            yield self._rule(at, host.name, path, action)

    def _rules(self, host: _Host) -> Iterator[Rule]:
        """Yield the usable rules of one host."""
        for j, declared in by_position(host.paths):
            where = _place(host, j)
            parse = partial(self.path, declared.path_type)
            path = self._attempt("InvalidPath", f"{where}.path", declared.path, parse)
            action = self._action(f"{where}.backend", declared.backend)
            if path is not None and action is not None:
                of = self._of_service(declared.backend)
                for name in dict.fromkeys((host.name, *of.hosts)):
                    for each in dict.fromkeys((path, *of.paths)):
                        for conditions in of.alternatives:
                            yield self._rule(where, name, each, action, conditions, of)

    def _defaults(self, backend: IngressBackend | None, hosts: Collection[str]) -> Iterator[Rule]:
        """Yield a rule of the default backend for each host. A canary passes no hosts."""
        at = DEFAULT_BACKEND
        if backend is None or (action := self._action(at, backend)) is None:
            return
        if not hosts and backend.service:
            self.problems.append(_idle_default(self.ref, at, backend.service))
        of = self._of_service(backend)
        for host in hosts:
            yield self._rule(at, host, _EVERYTHING, action, of=of)

    def _rule(
        self,
        at: str,
        host: str,
        path: Path,
        action: Action,
        conditions: tuple[Condition, ...] = (),
        of: OfService = _NOTHING_MORE,
    ) -> Rule:
        """Make a rule, changed as the annotations ask for it."""
        sets = self.sets(host)
        policies = tuple(declared.policy for declared in self.wanted.policies)
        rule = Rule(
            self.ref,
            at,
            self.age,
            host,
            path,
            action,
            sets,
            conditions,
            policies=policies,
            ingress_class=self.ingress_class,
        )
        for change in (*self.wanted.changes, *of.changes):
            rule = change(rule)
        if isinstance(rule.action, Redirect):
            rule = replace(rule, policies=at_redirect(rule.policies))
        if self.wanted.split is None:
            found = filter(None, (check(rule) for check in self.wanted.checks))
            self.problems.extend(problem for problem in found if problem not in self.problems)
        return rule

    def _of_service(self, backend: IngressBackend) -> OfService:
        """Return what annotations ask for of the rules with a backend of this name."""
        found = self.wanted.of_services
        return found.get(backend.service.name, _NOTHING_MORE) if backend.service else _NOTHING_MORE

    def _action(self, at: str, backend: IngressBackend) -> Action | None:
        """Read a backend: what annotations ask for in its place, or the Service."""
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
        if (instead := self._of_service(backend).action) is not None:
            return instead
        return Forward((Share(Target((Backend(self.ref.namespace, parsed, port),)), 1),))

    def _attempt(self, reason: str, key: str, value: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(value)
        except Unusable as e:
            effect = e.effect or "this rule is not served"
            self.problems.append(Problem(self.ref, reason, key, value, e.expected, effect))
            return None


def _once(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Leave out rules that conditions make of several paths or hosts, each of which they name."""
    seen = set()
    for rule in rules:
        what = (rule.host, rule.path, rule.conditions, rule.action, rule.policies)
        if what not in seen:
            seen.add(what)
            yield rule


def _place(host: _Host, number: int) -> str:
    """Return the field of the Ingress that declares a path."""
    return f"{host.at}.http.paths[{number}]"


def _canaries(hosts: Iterable[_Host], rules: Iterable[Rule], split: Split) -> Iterator[Canary]:
    """Yield the rules of a canary, each with the text of its path."""
    texts = {
        _place(host, j): path.path or "/" for host in hosts for j, path in by_position(host.paths)
    }
    return (Canary(rule, split, texts[rule.at]) for rule in rules)


@dataclass(slots=True)
class _Room:
    """The room for rules of one Ingress. The first rule beyond it is reported."""

    ref: Ref
    problems: list[Problem]
    taken: int = 0

    def for_some(self, rules: Iterable[Rule]) -> Iterator[Rule]:
        """Yield the rules that there is room for."""
        for rule in rules:
            size = size_of(rule.action) + surcharge(rule.conditions)
            self.taken += size * len(rule.sets)
            if self.taken > MAX_ROUTES_OF_INGRESS:
                self.problems.append(_too_many(rule))
                return
            yield rule


def _too_many(rule: Rule) -> Problem:
    expected = (
        f"at most {MAX_ROUTES_OF_INGRESS} rules in an Ingress, each counted once for each of its "
        "backends, on each of its listeners, and long values of conditions as further rules"
    )
    value = f"{rule.host or '*'} {rule.path}"
    effect = "this rule and those after it are not served"
    return Problem(rule.origin, "TooManyRules", rule.at, value, expected, effect)


def _without_paths(ref: Ref, host: _Host) -> Problem:
    """Report a host without paths in an Ingress without a default backend."""
    expected = "paths for it, or a spec.defaultBackend"
    effect = "its requests get 404 unless another Ingress serves this host"
    return Problem(ref, "HostWithoutPaths", f"{host.at}.host", host.name, expected, effect)


def _without_hosts(ref: Ref, aliases: Aliases) -> Problem:
    """Report an annotation for hosts of an Ingress that has none to give a further name to."""
    key, value, _, expected = aliases
    return Problem(ref, "NoHostForAlias", key, value, expected, "no effect")


def _idle_default(ref: Ref, at: str, declared: ServiceBackend) -> Problem:
    """Report the default backend of a canary, which has no effect."""
    value = f"{declared.name}:{declared.port.number or declared.port.name}"
    expected = "an Ingress without canary: a canary only adds to the rules of another one"
    effect = "no request goes to it"
    return Problem(ref, "CanaryDefaultBackend", at, value, expected, effect)


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
