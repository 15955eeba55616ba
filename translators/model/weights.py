"""Weights as Envoy takes them: the sum of a route's weights is a number of 32 bits."""

from collections.abc import Sequence
from math import gcd
from typing import Final

MAX_SUM: Final = 2**32 - 1


def fitted(weights: Sequence[int]) -> tuple[int, ...]:
    """The weights as they are where their sum fits, else the same shares in smaller numbers.

    What is positive stays positive, what is 0 stays 0. Where n shares have to be rounded, each is
    off by at most n + 1 billionths.
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
