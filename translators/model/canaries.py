"""Canaries: rules without a path of their own, which take requests from another Ingress's rules."""

from dataclasses import dataclass

from translators.model.conditions import Condition
from translators.model.rules import Rule


@dataclass(frozen=True, slots=True)
class Pick:
    """A condition that decides for the canary, or with `canary` False for the main rule."""

    condition: Condition
    canary: bool


@dataclass(frozen=True, slots=True)
class Weight:
    """The share of requests that a canary takes, as a part of a total.

    Of several canaries of a path, the oldest one with a weight sets the `total` for all of them.
    `key` is the annotation of the weight, for problems.
    """

    value: int
    total: int
    key: str


@dataclass(frozen=True, slots=True)
class Split:
    """The requests of a path that a canary takes.

    Envoy checks `by_request` (headers and query parameters) first, then `by_cookie`, then the
    weight. `weight` is None where no weight was given. A weight of 0 differs from that: it can be
    the oldest one of the path, which sets the total.
    """

    by_request: tuple[Pick, ...] = ()
    by_cookie: tuple[Pick, ...] = ()
    weight: Weight | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """A rule of a canary Ingress. It joins the main rules of the same host, path and class.

    `text` is its path as it is declared. The main rule decides whether the text is a pattern.
    """

    rule: Rule
    split: Split
    text: str

    @property
    def host(self) -> str:
        """The host of the main rule."""
        return self.rule.host
