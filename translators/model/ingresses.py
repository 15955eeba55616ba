"""What an Ingress declares."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.backends import Backend
from translators.model.canaries import Canary
from translators.model.hosts import wildcard_over
from translators.model.listeners import ListenerPort, TableSet
from translators.model.policy import Declared, Scope
from translators.model.rules import Age, Rule

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
        """Whether it declares the host, or the wildcard over it.

        A canary does not, nor does a default backend declare every host.
        """
        hosts = {host, wildcard_over(host)} - {""} if host else {""}
        declared = (*self.rules, *(self.defaults if host else ()))
        return any((tables, name) in self.bare for name in hosts) or any(
            rule.host in hosts and tables in rule.sets for rule in declared
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
        """The backends that it names, each with the rule that does, be it a canary's."""
        for rule in (*self.everything, *(canary.rule for canary in self.canaries)):
            if isinstance(rule.action, Forward):
                for share in rule.action.shares:
                    for backend in share.target.backends:
                        yield rule, backend

    def policies_of(self, scope: Scope) -> Iterator[Declared]:
        """The policies of a scope that it asks for."""
        return (declared for declared in self.policies if declared.policy.scope is scope)
