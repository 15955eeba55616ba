"""The rules of one host, merged over all Ingresses and put in order.

Order of rules: `order`, then Exact, longer Prefix, regex (longer text first), Prefix "/", and last
the default backend. Two rules with one path: the older Ingress keeps it. Canary rules join the main
rule of their path and class, one of each Ingress. The result does not depend on the order in which
objects arrived.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations.canary import excessive, relate
from translators.host_bounds import HostBounds
from translators.ingress import IngressRules
from translators.model import MSE_TABLES, Age, Forward, Path, PathKind, Rule, TableSet, Target
from translators.names import listener_of

Claim: TypeAlias = tuple[PathKind, str, int, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host serves: rules in the order in which they are asked, then a rule for the rest.

    `bare` says that an Ingress declares the host and has nothing for it: an exact one is answered
    with 404 then, and goes to no wildcard.
    """

    rules: tuple[Rule, ...]
    default: Rule | None
    problems: tuple[Problem, ...]
    bare: bool = False

    @property
    def everything(self) -> tuple[Rule, ...]:
        """The rules, then the default backend."""
        return (*self.rules, self.default) if self.default else self.rules

    @property
    def targets(self) -> frozenset[Target]:
        """Everything that requests of this host may be sent to."""
        return frozenset(
            share.target
            for rule in self.everything
            if isinstance(rule.action, Forward)
            for share in rule.action.shares
        )

    @property
    def origins(self) -> frozenset[Ref]:
        """The Ingresses that serve something here."""
        return frozenset(rule.origin for rule in self.everything)


def plan_host(
    ingresses: Collection[IngressRules], host: str, tables: TableSet = MSE_TABLES
) -> HostPlan:
    """Merge the rules that the Ingresses declare for the host in a set of route tables."""
    declared = [
        rule
        for ingress in ingresses
        for rule in ingress.rules
        if rule.host == host and tables in rule.sets
    ]
    defaults = [
        rule
        for ingress in ingresses
        for rule in ingress.defaults
        if rule.host == host and tables in rule.sets
    ]
    problems: list[Problem] = []
    mains: dict[Claim, Rule] = {}
    canaries: dict[tuple[Claim, str, Ref], Rule] = {}
    for rule in sorted(declared, key=_by_age):
        claim = _claim(rule)
        if rule.alternative is None:
            first = mains.setdefault(claim, rule)
        else:
            first = canaries.setdefault((claim, rule.ingress_class, rule.origin), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
    bounds = HostBounds()
    mains = {claim: rule for claim, rule in mains.items() if bounds.takes(rule)}
    related: dict[Claim, list[Rule]] = defaultdict(list)
    for (claim, ingress_class, _), rule in canaries.items():
        main = mains.get(claim)
        if main is None or main.ingress_class != ingress_class or rule.alternative is None:
            problems.append(_without_main(rule, tables))
        elif (taken := bounds.canary(rule, rule.alternative, main)) is not None:
            related[claim].append(taken)
    rules: list[Rule] = []
    for claim, main in sorted(mains.items(), key=lambda item: _rank(item[1])):
        of_path = related.get(claim, ())
        rules += relate(main, of_path)
        problems += excessive(of_path)
    problems += bounds.problems()
    default = min(defaults, key=_by_age, default=None)
    bare = any((tables, host) in ingress.bare for ingress in ingresses)
    return HostPlan(tuple(rules), default, tuple(sorted(set(problems))), bare)


def _by_age(rule: Rule) -> tuple[Age, Ref]:
    """The sort is stable, so that inside an Ingress the first rule stays first."""
    return rule.age, rule.origin


def _claim(rule: Rule) -> Claim:
    return rule.path.kind, rule.path.value, rule.order, rule.conditions


def _rank(rule: Rule) -> tuple[object, ...]:
    path = rule.path
    last = path == Path(PathKind.PREFIX, "/")
    return (
        rule.order,
        last,
        path.kind.value,
        -len(path.value),
        path.value,
        -len(rule.conditions),
        _by_age(rule),
    )


def _conflict(rule: Rule, first: Rule, tables: TableSet) -> Problem:
    host = rule.host or "every host"
    return Problem(
        rule.origin,
        "Conflict",
        rule.at,
        f"{rule.host or '*'} {rule.path}",
        f"a path of {host} that no older rule has",
        f"{first.origin} keeps it ({first.at}), this rule is not served{_there(rule, tables)}",
    )


def _without_main(rule: Rule, tables: TableSet) -> Problem:
    return Problem(
        rule.origin,
        "CanaryWithoutMain",
        rule.at,
        f"{rule.host or '*'} {rule.path}",
        "an Ingress without canary that has the same class, host and path",
        f"the canary takes no request{_there(rule, tables)}",
    )


def _there(rule: Rule, tables: TableSet) -> str:
    """The listener, where the rule may well be served on others."""
    return f" on {listener_of(tables)}" if len(rule.sets) > 1 else ""
