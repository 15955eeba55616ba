"""Precedence on a host: which rule wins a path, and in which order rules are evaluated.

Two rules claim the same if their path, order and conditions are equal. The rule of the older
Ingress wins, and the other one is a problem of its Ingress. The winners are evaluated by `order`;
among equal ones Exact paths come first, then longer Prefixes, then regexes (longer text first), and
Prefix "/" last.

A canary joins the winners of its path that have its class. Its own conditions, if it has some, must
be theirs too. Each Ingress has at most one canary for a path and class.
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
from translators.model.rules import DEFAULT_ORDER, Age, Rule

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
    with_path: dict[tuple[PathKind, str], list[Claimed]] = defaultdict(list)
    for claim, main in mains.items():
        with_path[_place(main.path)].append(claim)
    for canary in sorted(canaries, key=lambda each: by_age(each.rule)):
        rule = canary.rule
        first = first_of.setdefault((_claim(rule), rule.ingress_class, rule.origin), rule)
        if first is not rule:
            problems.append(_conflict(rule, first, tables))
            continue
        # The main rule decides whether the text of a path is a pattern.
        places = dict.fromkeys((_place(rule.path), (PathKind.REGEX, canary.text)))
        claims = [claim for place in places for claim in with_path.get(place, ())]
        claims = [claim for claim in claims if _joins(rule, mains[claim])]
        if not claims:
            problems.append(_without_main(rule, tables))
        for claim in claims:
            if (taken := bounds.canary(canary, mains[claim])) is not None:
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


def _place(path: Path) -> tuple[PathKind, str]:
    """Return what a canary's path must equal. A pattern counts as it is declared."""
    return path.kind, (path.written if path.kind is PathKind.REGEX else "") or path.value


def _joins(canary: Rule, main: Rule) -> bool:
    """Return whether a canary of the main rule's path joins it."""
    return (
        canary.ingress_class == main.ingress_class
        and canary.order in {DEFAULT_ORDER, main.order}
        and canary.conditions in {(), main.conditions}
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
    """Name the listener of a problem, if the rule may be served on others."""
    return f" on {listener_of(tables)}" if len(rule.sets) > 1 else ""
