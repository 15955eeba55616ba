"""The rules of one host, merged over all Ingresses and put in order.

Order of rules: `order`, then Exact, longer Prefix, regex (longer text first), Prefix "/", and last
the default backend. Two rules with one path: the older Ingress keeps it. Canary rules join the main
rule of their path and class, one of each Ingress. The result does not depend on the order in which
objects arrived.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations.canary import excessive, relate
from translators.edge import PATH_NORMALIZATION, PathNormalization
from translators.ingress import NORMALISED, IngressRules
from translators.model import MSE_TABLES, Age, Forward, Path, PathKind, Rule, TableSet, Target
from translators.names import listener_of

Claim: TypeAlias = tuple[PathKind, str, int, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a host serves: rules in the order in which they are asked, then a rule for the rest.

    `bare` says that an Ingress declares the host and has nothing for it: it is answered with 404
    then, and goes to no wildcard and no rule without host. Where some rule is restricted the host
    is `guarded`: no path is served that a backend may read otherwise than the rules do.
    """

    rules: tuple[Rule, ...]
    default: Rule | None
    problems: tuple[Problem, ...]
    bare: bool = False
    guarded: bool = False

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
    ingresses: Collection[IngressRules],
    host: str,
    tables: TableSet = MSE_TABLES,
    *,
    strict: bool = False,
) -> HostPlan:
    """Merge the rules that the Ingresses declare for the host in a set of route tables.

    `strict` says that no request has an ambiguous path when it is routed.
    """
    every = _of((rule for i in ingresses for rule in i.rules), host, tables)
    defaults = _of((rule for i in ingresses for rule in i.defaults), host, tables)
    own = [rule for rule in (*every, *defaults) if rule.alternative is None]
    guarded = any(rule.restricted for rule in own)
    closed = guarded or strict
    declared = [rule for rule in every if not (closed and rule.path.ambiguous)]
    unmet = [rule for rule in every if closed and rule.path.ambiguous]
    problems = [_unmet(rule, strict=strict) for rule in unmet]
    mains: dict[Claim, Rule] = {}
    canaries: dict[tuple[Claim, str], dict[Ref, Rule]] = defaultdict(dict)
    for rule in sorted(declared, key=_by_age):
        if rule.alternative is None:
            first = mains.setdefault(_claim(rule), rule)
        else:
            of_class = canaries[_claim(rule), rule.ingress_class]
            first = of_class.setdefault(rule.origin, rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
    ordered = sorted(mains.items(), key=lambda item: _rank(item[1]))
    rules: list[Rule] = []
    for claim, main in ordered:
        related = tuple(canaries.pop((claim, main.ingress_class), {}).values())
        rules += relate(main, related)
        problems += excessive(related)
    for lonely in canaries.values():
        problems += [_without_main(rule, tables) for rule in lonely.values()]
    default = min(defaults, key=_by_age, default=None)
    bare = any((tables, host) in ingress.bare for ingress in ingresses)
    bare |= any(rule.alternative is None for rule in unmet)
    return HostPlan(tuple(rules), default, tuple(sorted(set(problems))), bare, guarded)


def _of(rules: Iterable[Rule], host: str, tables: TableSet) -> list[Rule]:
    return [rule for rule in rules if rule.host == host and tables in rule.sets]


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


def _unmet(rule: Rule, *, strict: bool) -> Problem:
    """The problem of a rule for an ambiguous path, where no such request is served."""
    expected = "a path without //, %2F and %5C "
    if strict:
        expected += f"at a gateway whose {PATH_NORMALIZATION} is {PathNormalization.STRICT}"
        effect = NORMALISED
    else:
        expected += "on a host that has access rules"
        effect = "requests with such a path are answered with 400, so nothing would match it"
    value = rule.path.written or rule.path.value
    return Problem(rule.origin, "InvalidPath", f"{rule.at}.path", value, expected, effect)


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
