"""Ingresses as a dialect has read them: rules, canaries, default backends and policies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, TypeAlias, TypeVar

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.backends import Backend
from translators.model.canaries import Canary
from translators.model.certificates import NO_TLS, TlsEntry
from translators.model.listeners import ListenerPort, TableSet
from translators.model.member_weights import MemberWeights
from translators.model.policy import Declared, Scope
from translators.model.rules import Age, Rule

_FEW: Final = 8
"""Up to so many rules, a scan is cheaper than groups by host."""

R = TypeVar("R", Rule, Canary)
_ByHost: TypeAlias = Mapping[str, Sequence[R]] | None

NO_HOSTS: Final[frozenset[tuple[TableSet, str]]] = frozenset()
"""All Ingresses share this one, because an empty frozenset of its own takes 200 bytes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A listener that an Ingress of the ALB dialect asks for, and the field that names it."""

    listener: ListenerPort
    key: str
    value: str


class Role(Enum):
    """The role of a backend for the requests of a rule."""

    MAIN = "main"
    """It gets them."""
    BACKED = "backed"
    """It gets them, and by the annotation `fallback` another one does so while it has no Pods."""
    FALLBACK = "fallback"
    """It is that other one."""
    CANARY = "canary"
    """It takes some of them from the main rule."""
    COPY = "copy"
    """It gets copies, whose answers nobody sees."""


class Named(NamedTuple):
    """A backend that an Ingress names, its rule, and the field or annotation that names it."""

    rule: Rule
    backend: Backend
    role: Role
    key: str


@dataclass(frozen=True, slots=True)
class Alias:
    """A further name of the host `of`, for hosts that no rule names.

    It serves what `of` does, or with `redirects` sends its clients there. `key` and `value` are the
    annotation. `sets` are those in which `of` stands.
    """

    host: str
    of: str
    key: str
    value: str
    redirects: bool = False
    sets: tuple[TableSet, ...] = ()


@dataclass(frozen=True, slots=True)
class IngressRules:
    """What one Ingress declares.

    A canary Ingress has `canaries` and no other rules. `defaults` stands for its
    `spec.defaultBackend`: a rule for every path of each of its hosts, and of the host "". `bare`
    holds the hosts that it declares without a rule or default. `weights` are those of members, for
    the backends of its rules; None if there are none. `leads_out` says that some backend is
    in another namespace. `without_rules` holds its age and name if no rule does. `tls` holds the
    entries of its `spec.tls`.

    An Ingress may have thousands of hosts, so its rules are grouped by host once.
    """

    rules: tuple[Rule, ...] = ()
    canaries: tuple[Canary, ...] = ()
    defaults: tuple[Rule, ...] = ()
    bare: frozenset[tuple[TableSet, str]] = NO_HOSTS
    problems: tuple[Problem, ...] = ()
    asked: tuple[Asked, ...] = ()
    aliases: tuple[Alias, ...] = ()
    policies: tuple[Declared, ...] = ()
    weights: MemberWeights | None = None
    leads_out: bool = False
    without_rules: tuple[Age, Ref] | None = None
    tls: tuple[TlsEntry, ...] = NO_TLS
    _rules: _ByHost[Rule] = field(init=False, repr=False, compare=False)
    _canaries: _ByHost[Canary] = field(init=False, repr=False, compare=False)
    _defaults: _ByHost[Rule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rules", _by_host(self.rules))
        object.__setattr__(self, "_canaries", _by_host(self.canaries))
        object.__setattr__(self, "_defaults", _by_host(self.defaults))

    def rules_of(self, host: str) -> Sequence[Rule]:
        """Return the rules of a host in the order of the Ingress. O(rules of the host)."""
        return _of_host(host, self.rules, self._rules)

    def canaries_of(self, host: str) -> Sequence[Canary]:
        """Return the canaries of a host in the order of the Ingress. O(canaries of the host)."""
        return _of_host(host, self.canaries, self._canaries)

    def defaults_of(self, host: str) -> Sequence[Rule]:
        """Return the rule of the default backend for a host, or nothing."""
        return _of_host(host, self.defaults, self._defaults)

    @property
    def https_only(self) -> bool:
        """Whether an annotation redirects requests in clear text; it holds for all rules."""
        return any(rule.https_only for rule in (*self.rules[:1], *self.defaults[:1]))

    @property
    def by(self) -> tuple[Age, Ref] | None:
        """The age and name of the Ingress; None if it declares nothing usable."""
        adding = [canary.rule for canary in self.canaries[:1]]
        for rule in (*self.rules[:1], *self.defaults[:1], *adding):
            return rule.age, rule.origin
        return self.without_rules

    @property
    def hosts(self) -> frozenset[tuple[TableSet, str]]:
        """The hosts whose routes depend on this Ingress, in each set of route tables.

        The host "" stands for all hosts that no rule names.
        """
        adding = (canary.rule for canary in self.canaries)
        named = {(s, rule.host) for rule in (*self.everything, *adding) for s in rule.sets}
        return self.bare | named

    def names(self, tables: TableSet, host: str) -> bool:
        """Return whether the Ingress declares the host.

        A canary declares no host. A default backend does not declare the host "".
        """
        declared = (*self.rules_of(host), *(self.defaults_of(host) if host else ()))
        return (tables, host) in self.bare or any(tables in rule.sets for rule in declared)

    def is_alias(self, host: str) -> bool:
        """Return whether the Ingress gives the host as a further name of another one."""
        return any(alias.host == host for alias in self.aliases)

    @property
    def sets(self) -> frozenset[TableSet]:
        """The sets of route tables that have a rule of this Ingress."""
        return frozenset(tables for rule in self.everything for tables in rule.sets)

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules, followed by the default rule of each host."""
        return (*self.rules, *self.defaults)

    @property
    def named(self) -> Iterator[Named]:
        """The backends that the Ingress names; canaries are included.

        A backend that only a filter asks is the fallback of a rule too, and is named as such.
        """
        keys = {declared.policy: declared.key for declared in self.policies}
        for rule in self.everything:
            yield from _named(rule, Role.BACKED if rule.fallback else Role.MAIN)
            for policy in rule.policies if isinstance(rule.action, Forward) else ():
                for target in set(policy.targets) - {*policy.inner_targets}:
                    for backend in target.backends:
                        yield Named(rule, backend, Role.COPY, keys.get(policy, _field_of(rule)))
        for canary in self.canaries:
            yield from _named(canary.rule, Role.CANARY)

    @property
    def services(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of each Service that serves its rules or canaries.

        A Service that only stands in for others, or gets copies, is not among them.
        """
        roles = {Role.COPY, Role.FALLBACK}
        return frozenset(
            (each.backend.namespace, each.backend.service)
            for each in self.named
            if each.role not in roles
        )

    def policies_of(self, scope: Scope) -> Iterator[Declared]:
        """Return the policies of a scope that the Ingress asks for."""
        return (declared for declared in self.policies if declared.policy.scope is scope)


def _field_of(rule: Rule) -> str:
    """Return the field that declares the backend of a rule."""
    return f"{rule.at}.backend" if "paths" in rule.at else rule.at


def _named(rule: Rule, role: Role) -> Iterator[Named]:
    if not isinstance(rule.action, Forward):
        return
    named_by = _field_of(rule)
    firsts = {share.target.backends[0] for share in rule.action.shares}
    for share in rule.action.shares:
        first, *others = share.target.backends
        yield Named(rule, first, role, named_by)
        for other in others:
            if other not in firsts:
                yield Named(rule, other, Role.FALLBACK, rule.fallback)


def _by_host(declared: Sequence[R]) -> _ByHost[R]:
    """Group rules by host. Returns None for a few rules, whose groups would cost more memory."""
    if len(declared) <= _FEW:
        return None
    groups: dict[str, list[R]] = {}
    for rule in declared:
        groups.setdefault(rule.host, []).append(rule)
    return groups


def _of_host(host: str, declared: Sequence[R], by_host: _ByHost[R]) -> Sequence[R]:
    if by_host is None:
        return [rule for rule in declared if rule.host == host]
    return by_host.get(host, ())
