"""What an Ingress declares."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward
from translators.model.backends import Backend
from translators.model.hosts import wildcard_over
from translators.model.listeners import ListenerPort, TableSet
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

    `defaults` are its `spec.defaultBackend`: for each of its hosts and for "" a rule of every path.
    `bare` are those of its hosts for which it has neither, and which are its own all the same.
    `leads_out` says that some backend is in another namespace. `without_rules` is who it is, where
    no rule says so.
    """

    rules: tuple[Rule, ...] = ()
    defaults: tuple[Rule, ...] = ()
    bare: frozenset[tuple[TableSet, str]] = NO_HOSTS
    problems: tuple[Problem, ...] = ()
    asked: tuple[Asked, ...] = ()
    leads_out: bool = False
    without_rules: tuple[Age, Ref] | None = None

    @property
    def by(self) -> tuple[Age, Ref] | None:
        """Whose they are, the older one first; None where it declares nothing that is usable."""
        for rule in (*self.rules[:1], *self.defaults[:1]):
            return rule.age, rule.origin
        return self.without_rules

    @property
    def hosts(self) -> frozenset[tuple[TableSet, str]]:
        """The hosts whose routes depend on this Ingress, in each set of route tables.

        "" stands for every host that no rule names.
        """
        served = {(tables, rule.host) for rule in self.everything for tables in rule.sets}
        return self.bare | served

    def names(self, tables: TableSet, host: str) -> bool:
        """Whether it declares the host, or the wildcard over it.

        A canary does not, nor does a default backend declare every host.
        """
        hosts = {host, wildcard_over(host)} - {""} if host else {""}
        declared = (*self.rules, *(self.defaults if host else ()))
        return any((tables, name) in self.bare for name in hosts) or any(
            rule.host in hosts and tables in rule.sets and rule.alternative is None
            for rule in declared
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
