"""How a canary takes requests from the rule of another Ingress."""

from dataclasses import dataclass

from translators.model.conditions import Condition


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
class Alternative:
    """How a canary rule takes requests from the main rule of its host and path.

    `by_request` (headers and query) is asked before `by_cookie`, both before the weight. `weight`
    is None where none was given, which is not the same as 0: the oldest weight brings the total.
    """

    by_request: tuple[Pick, ...] = ()
    by_cookie: tuple[Pick, ...] = ()
    weight: Weight | None = None
