"""Canaries: they have no routes of their own, and take requests from the rules of others."""

from dataclasses import dataclass

from translators.model.conditions import Condition
from translators.model.rules import Rule


@dataclass(frozen=True, slots=True)
class Pick:
    """A request that meets the condition goes to the canary for sure, or to the main for sure."""

    condition: Condition
    canary: bool


@dataclass(frozen=True, slots=True)
class Weight:
    """A share of the requests, out of the total of the oldest weight of the path.

    `total` is what counts where that is this one. `key` is the annotation, for problems.
    """

    value: int
    total: int
    key: str


@dataclass(frozen=True, slots=True)
class Split:
    """Which requests of a path a canary takes.

    `by_request` (headers and query) is asked before `by_cookie`, both before the weight. `weight`
    is None where none was given, which is not the same as 0: the oldest weight brings the total.
    """

    by_request: tuple[Pick, ...] = ()
    by_cookie: tuple[Pick, ...] = ()
    weight: Weight | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """A rule of a canary: it adds to the main rule of its host and path, if that has its class."""

    rule: Rule
    split: Split

    @property
    def host(self) -> str:
        """The host of the main rule."""
        return self.rule.host
