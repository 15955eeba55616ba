"""Precedence on a host: which rule wins a path, and in which order rules are evaluated.

Two rules claim the same if their path, order and conditions are equal. The rule of the older
Ingress wins, and the other one is a problem of its Ingress. The winners are evaluated by `order`;
among equal ones Exact paths come first, then longer Prefixes, then regexes (longer text first), and
Prefix "/" last.

A canary joins the winner of its path if both have the same class. Each Ingress has at most one
canary for a path and class.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from fleet.problem import Problem
from fleet.ref import Ref
from translators.envoy.names import listener_of
from translators.merge.host_bounds import HostBounds
from translators.model.canaries import Canary
from translators.model.listeners import TableSet
from translators.model.paths import Path, PathKind
from translators.model.rules import Age, Rule

Claimed: TypeAlias = tuple[PathKind, str, int, tuple[object, ...]]
"""What only one rule of a host can have: kind and text of the path, order, and conditions."""


def winners(
    declared: Iterable[Rule], tables: TableSet, problems: list[Problem]
) -> dict[Claimed, Rule]:
    """Return the winning rule of each claim, the oldest first, and report the other rules."""
    mains: dict[Claimed, Rule] = {}
    for rule in sorted(declared, key=by_age):
        first = mains.setdefault(_claim(rule), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
    return mains


def canaries_of(
    mains: Mapping[Claimed, Rule],
    canaries: Iterable[Canary],
    bounds: HostBounds,
    tables: TableSet,
    problems: list[Problem],
) -> dict[Claimed, list[Canary]]:
    """Return the canaries of each main rule, the oldest first, and report the other canaries."""
    first_of: dict[tuple[Claimed, str, Ref], Rule] = {}
    joined: dict[Claimed, list[Canary]] = defaultdict(list)
    for canary in sorted(canaries, key=lambda each: by_age(each.rule)):
        rule, claim = canary.rule, _claim(canary.rule)
        first = first_of.setdefault((claim, rule.ingress_class, rule.origin), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
            continue
        main = mains.get(claim)
        if main is None or main.ingress_class != rule.ingress_class:
            problems.append(_without_main(rule, tables))
        elif (taken := bounds.canary(canary, main)) is not None:
            joined[claim].append(taken)
    return joined


def rank(rule: Rule) -> tuple[object, ...]:
    """Return the sort key for the order in which the rules of a host are evaluated."""
    path = rule.path
    last = path == Path(PathKind.PREFIX, "/")
    return (
        rule.order,
        last,
        path.kind.value,
        -len(path.value),
        path.value,
        -len(rule.conditions),
        by_age(rule),
    )


def by_age(rule: Rule) -> tuple[Age, Ref]:
    """Return the sort key that puts older Ingresses first.

    Rules of one Ingress have equal keys, and a stable sort keeps their order.
    """
    return rule.age, rule.origin


def _claim(rule: Rule) -> Claimed:
    return rule.path.kind, rule.path.value, rule.order, rule.conditions


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
    """Name the listener of a problem, if the rule may be served on others."""
    return f" on {listener_of(tables)}" if len(rule.sets) > 1 else ""
