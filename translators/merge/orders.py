"""Orders of rules: rules that no request reaches, and orders that two Ingresses share.

Without different orders no rule shadows another one, because longer paths and more conditions come
first. So most hosts have nothing to look for here.
"""

from collections.abc import Iterable, Iterator, Sequence

from fleet.problem import Problem, Severity
from translators.model.conditions import Condition
from translators.model.paths import Path, PathKind
from translators.model.rules import Rule

_EVERYTHING = frozenset({(PathKind.PREFIX, "/"), (PathKind.REGEX, "/.*")})
"""Paths that every request has."""


def problems_of_order(rules: Sequence[Rule]) -> Iterator[Problem]:
    """Report what the orders of a host's rules lead to. The rules are in this order."""
    ordered = [rule for rule in rules if rule.order_key]
    if ordered:
        yield from _shadowed(rules)
        yield from _shared(ordered)


def _shadowed(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Report rules whose requests all go to one rule before them. O(elements of paths)."""
    before: dict[tuple[PathKind, str], list[Rule]] = {}
    for rule in rules:
        claims = (claim for place in _covering(rule.path) for claim in before.get(place, ()))
        first = next((claim for claim in claims if _implies(rule, claim)), None)
        if first is not None:
            yield _unreachable(rule, first)
        elif not rule.path.ignore_case:
            before.setdefault((rule.path.kind, rule.path.value), []).append(rule)


def _covering(path: Path) -> Iterator[tuple[PathKind, str]]:
    """Yield the paths that every request has which has this one; regexes are compared as texts."""
    yield from _EVERYTHING
    yield path.kind, path.value
    if path.kind is PathKind.REGEX:
        return
    parent = path.value
    while parent:
        yield PathKind.PREFIX, parent
        parent = parent.rpartition("/")[0]


def _implies(rule: Rule, before: Rule) -> bool:
    """Return whether requests that meet the conditions of a rule meet those of one before it."""
    return all(any(_within(mine, one) for mine in rule.conditions) for one in before.conditions)


def _within(narrow: Condition, wide: Condition) -> bool:
    same = (narrow.where, narrow.name) == (wide.where, wide.name)
    return same and set(narrow.values) <= set(wide.values)


def _shared(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Report an order that an older Ingress gives to rules of the same host."""
    oldest: dict[int, Rule] = {}
    for rule in sorted(rules, key=lambda rule: (rule.age, rule.origin)):
        first = oldest.setdefault(rule.order, rule)
        if first.origin != rule.origin:
            expected = f"an order of its own on {rule.host or 'every host'}: {first.origin} has it"
            effect = "paths and conditions decide between their rules"
            yield Problem(
                rule.origin,
                "SharedOrder",
                rule.order_key,
                str(rule.order),
                expected,
                effect,
                severity=Severity.HINT,
            )


def _unreachable(rule: Rule, first: Rule) -> Problem:
    expected = f"a smaller order than {first.origin} has, whose {first.at} takes all its requests"
    value = f"{rule.host or '*'} {rule.path}"
    return Problem(rule.origin, "Shadowed", rule.at, value, expected, "no request reaches it")
