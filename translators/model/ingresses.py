"""What an Ingress declares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.backends import Backend
from translators.model.canaries import Canary
from translators.model.listeners import ListenerPort, TableSet
from translators.model.policy import Declared, Scope
from translators.model.rules import Age, Rule

_FEW: Final = 8
"""Rules that are looked at one by one."""

R = TypeVar("R", Rule, Canary)
_ByHost: TypeAlias = Mapping[str, Sequence[R]] | None

NO_HOSTS: Final[frozenset[tuple[TableSet, str]]] = frozenset()
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

    One that is a canary has `canaries` alone. `defaults` are its `spec.defaultBackend`: for each of
    its hosts and for "" a rule of every path. `bare` are those of its hosts for which it has
    neither, and which are its own all the same. `leads_out` says that some backend is in another
    namespace. `without_rules` is its age and name, where no rule has them.

    A host asks for what is declared for it. An Ingress may have thousands of hosts, so that is
    found without a look at the rules of all others.
    """

    rules: tuple[Rule, ...] = ()
    canaries: tuple[Canary, ...] = ()
    defaults: tuple[Rule, ...] = ()
    bare: frozenset[tuple[TableSet, str]] = NO_HOSTS
    problems: tuple[Problem, ...] = ()
    asked: tuple[Asked, ...] = ()
    policies: tuple[Declared, ...] = ()
    leads_out: bool = False
    without_rules: tuple[Age, Ref] | None = None
    _rules: _ByHost[Rule] = field(init=False, repr=False, compare=False)
    _canaries: _ByHost[Canary] = field(init=False, repr=False, compare=False)
    _defaults: _ByHost[Rule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rules", _by_host(self.rules))
        object.__setattr__(self, "_canaries", _by_host(self.canaries))
        object.__setattr__(self, "_defaults", _by_host(self.defaults))

    def rules_of(self, host: str) -> Sequence[Rule]:
        """The rules of a host, in their order. O(those)."""
        return _of_host(host, self.rules, self._rules)

    def canaries_of(self, host: str) -> Sequence[Canary]:
        """The canaries of a host, in their order. O(those)."""
        return _of_host(host, self.canaries, self._canaries)

    def defaults_of(self, host: str) -> Sequence[Rule]:
        """The default backend of a host, if it has one."""
        return _of_host(host, self.defaults, self._defaults)

    @property
    def https_only(self) -> bool:
        """Whether an annotation keeps requests in clear from its rules: from all, or from none."""
        return any(rule.https_only for rule in (*self.rules[:1], *self.defaults[:1]))

    @property
    def by(self) -> tuple[Age, Ref] | None:
        """Whose they are, the older one first; None where it declares nothing that is usable."""
        adding = [canary.rule for canary in self.canaries[:1]]
        for rule in (*self.rules[:1], *self.defaults[:1], *adding):
            return rule.age, rule.origin
        return self.without_rules

    @property
    def hosts(self) -> frozenset[tuple[TableSet, str]]:
        """The hosts whose routes depend on this Ingress, in each set of route tables.

        "" stands for every host that no rule names.
        """
        adding = (canary.rule for canary in self.canaries)
        named = {(s, rule.host) for rule in (*self.everything, *adding) for s in rule.sets}
        return self.bare | named

    def names(self, tables: TableSet, host: str) -> bool:
        """Whether it declares the host.

        A canary does not, nor does a default backend declare every host.
        """
        declared = (*self.rules_of(host), *(self.defaults_of(host) if host else ()))
        return (tables, host) in self.bare or any(tables in rule.sets for rule in declared)

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
        """The backends that it names, each with the rule that does, be it a canary's."""
        for rule in (*self.everything, *(canary.rule for canary in self.canaries)):
            if isinstance(rule.action, Forward):
                for share in rule.action.shares:
                    for backend in share.target.backends:
                        yield rule, backend

    def policies_of(self, scope: Scope) -> Iterator[Declared]:
        """The policies of a scope that it asks for."""
        return (declared for declared in self.policies if declared.policy.scope is scope)


def _by_host(declared: Sequence[R]) -> _ByHost[R]:
    """Group what is declared by hosts; None where it is so little that groups would cost more."""
    if len(declared) <= _FEW:
        return None
    found: dict[str, list[R]] = {}
    for each in declared:
        found.setdefault(each.host, []).append(each)
    return found


def _of_host(host: str, declared: Sequence[R], by_host: _ByHost[R]) -> Sequence[R]:
    if by_host is None:
        return [each for each in declared if each.host == host]
    return by_host.get(host, ())
