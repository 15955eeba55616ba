"""Weights of a route, made small enough for Envoy: their sum must fit into 32 bits."""

from collections.abc import Sequence
from math import gcd
from typing import Final

MAX_SUM: Final = 2**32 - 1


def fitted(weights: Sequence[int]) -> tuple[int, ...]:
    """Return the weights unchanged if their sum fits, else the same shares in smaller numbers.

    A positive weight stays positive, and 0 stays 0. If n weights must be rounded, each share is off
    by at most n + 1 billionths.
    """
    if sum(weights) <= MAX_SUM:
        return tuple(weights)
    common = gcd(*weights)
    smallest = [weight // common for weight in weights]
    total = sum(smallest)
    if total <= MAX_SUM:
        return tuple(smallest)
    room = MAX_SUM - len(weights)  # rounding up to 1 adds at most 1 for each
    return tuple(max(1, weight * room // total) if weight else 0 for weight in smallest)
