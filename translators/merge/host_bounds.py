"""The bounds of one host are applied to its rules, canaries and patterns.

Older Ingresses take the room first. `translators.model.bounds` has the numbers. All patterns of a
host count together, because Envoy may compare a request with patterns of several paths.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.actions import Forward, size_of
from translators.model.bounds import (
    MAX_CANARIES,
    MAX_INSTRUCTIONS_OF_HOST,
    MAX_PATTERNS,
    MAX_ROUTES_OF_HOST,
    MAX_RULES_OF_PATH,
)
from translators.model.canaries import Canary, Pick
from translators.model.conditions import surcharge
from translators.model.paths import PathKind
from translators.model.rules import Rule


class Excess(Enum):
    """A kind of excess. The value holds the reason, the expectation and the effect of a Problem."""

    RULES = (
        "TooManyRules",
        f"at most {MAX_ROUTES_OF_HOST} rules of a host, each counted once for each backend that it "
        "may ask, and long values of conditions as further rules",
        "this rule is not served",
    )
    CONDITIONS = (
        "TooManyRules",
        f"at most {MAX_RULES_OF_PATH} rules of a path that differ in their conditions",
        "this rule is not served",
    )
    PATH_PATTERNS = (
        "TooManyPatterns",
        f"patterns of at most {MAX_INSTRUCTIONS_OF_HOST} instructions on a host",
        "this rule is not served",
    )
    CANARIES = (
        "TooManyCanaries",
        f"at most {MAX_CANARIES} canaries of a path",
        "the canary takes no request there",
    )
    CANARY_RULES = (
        "TooManyCanaries",
        f"at most {MAX_ROUTES_OF_HOST} rules of a host with those of canaries, each counted once "
        "for each backend that it may ask, and long values of conditions as further rules",
        "the canary takes no request there",
    )
    PATTERNS = (
        "TooManyPatterns",
        f"at most {MAX_PATTERNS} patterns of a path, of at most {MAX_INSTRUCTIONS_OF_HOST} "
        "instructions on a host",
        "no request goes to the canary by its pattern there",
    )


class HostBounds:
    """The room that is left on one host. Call `takes` for its rules first, then `canary`.

    Both must be called in the order of age, the oldest first.
    """

    def __init__(self) -> None:
        self._routes = 0
        self._instructions = 0
        self._of_path: dict[tuple[PathKind, str], int] = {}
        self._canaries: dict[tuple[Ref, str], int] = {}
        self._patterns: dict[tuple[Ref, str], int] = {}
        self._left_out: dict[tuple[Ref, Excess], list[Rule]] = {}

    def takes(self, rule: Rule) -> bool:
        """Take room for a rule; returns whether there was enough."""
        longer = surcharge(rule.conditions)
        routes = self._routes + size_of(rule.action) + longer
        routes += 1 + longer if rule.https_only else 0
        instructions = self._instructions + rule.path.instructions
        instructions += sum(condition.instructions for condition in rule.conditions)
        path = rule.path.kind, rule.path.value
        of_path = self._of_path.get(path, 0) + 1
        if routes > MAX_ROUTES_OF_HOST:
            self._leave_out(rule, Excess.RULES)
        elif instructions > MAX_INSTRUCTIONS_OF_HOST:
            self._leave_out(rule, Excess.PATH_PATTERNS)
        elif of_path > MAX_RULES_OF_PATH:
            self._leave_out(rule, Excess.CONDITIONS)
        else:
            self._routes, self._instructions = routes, instructions
            self._of_path[path] = of_path
            return True
        return False

    def canary(self, canary: Canary, main: Rule) -> Canary | None:
        """Take room for a canary; returns it, perhaps without its pattern, or None."""
        of_path = main.origin, main.at
        rule, split = canary.rule, canary.split
        routes = self._routes + _routes_of(canary, main)
        canaries = self._canaries.get(of_path, 0) + 1
        if canaries > MAX_CANARIES:
            self._leave_out(rule, Excess.CANARIES)
        elif routes > MAX_ROUTES_OF_HOST:
            self._leave_out(rule, Excess.CANARY_RULES)
        else:
            self._canaries[of_path] = canaries
            self._routes = routes
            picks = split.by_request
            asked = tuple(pick for pick in picks if self._asks(pick, of_path))
            if len(asked) == len(picks):
                return canary
            self._leave_out(rule, Excess.PATTERNS)
            return replace(canary, split=replace(split, by_request=asked))
        return None

    def problems(self) -> Iterator[Problem]:
        """Report what was left out, once for each Ingress and kind of excess."""
        for (origin, excess), rules in self._left_out.items():
            reason, expected, effect = excess.value
            first, more = rules[0], len(rules) - 1
            also = f"; {more} more of this Ingress likewise" if more else ""
            value = f"{first.host or '*'} {first.path}"
            yield Problem(origin, reason, first.at, value, expected, f"{effect}{also}")

    def _asks(self, pick: Pick, of_path: tuple[Ref, str]) -> bool:
        """Take room for the pattern of a condition; returns False if there was not enough."""
        cost = pick.condition.instructions
        if not cost:
            return True
        patterns = self._patterns.get(of_path, 0) + 1
        instructions = self._instructions + cost
        if patterns > MAX_PATTERNS or instructions > MAX_INSTRUCTIONS_OF_HOST:
            return False
        self._patterns[of_path], self._instructions = patterns, instructions
        return True

    def _leave_out(self, rule: Rule, excess: Excess) -> None:
        self._left_out.setdefault((rule.origin, excess), []).append(rule)


def _routes_of(canary: Canary, main: Rule) -> int:
    """Count the backends in the canary's routes: the main's stand behind each of its shares.

    Long values of the conditions count too.
    """
    action, split = canary.rule.action, canary.split
    if not isinstance(action, Forward):
        return 0
    behind = size_of(main.action)
    there = size_of(action) + len(action.shares) * behind
    picks = (*split.by_request, *split.by_cookie)
    weight = 0 if split.weight is None else there
    return weight + sum(
        (there if pick.canary else behind) + surcharge((*main.conditions, pick.condition))
        for pick in picks
    )
