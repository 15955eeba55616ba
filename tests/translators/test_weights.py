"""Weights of any size become weights that Envoy accepts, with the same shares."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translators.model.weights import MAX_SUM, fitted

_WEIGHTS = st.lists(st.integers(0, 10**3) | st.integers(0, 10**40), max_size=40)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param([90, 10], (90, 10), id="as-they-are"),
        pytest.param([4, 6], (4, 6), id="not-reduced-without-need"),
        pytest.param([MAX_SUM - 1, 1], (MAX_SUM - 1, 1), id="just-fits"),
        pytest.param([3 * 10**12, 0, 10**12], (3, 0, 1), id="exact-in-smaller-numbers"),
        pytest.param([MAX_SUM, 1], (MAX_SUM - 3, 1), id="sum-is-one-too-large"),
        pytest.param([10**30, 1], (MAX_SUM - 3, 1), id="least-share-stays-positive"),
        pytest.param([], (), id="none"),
    ],
)
def test_fitted(weights: list[int], expected: tuple[int, ...]) -> None:
    assert fitted(weights) == expected


@given(_WEIGHTS)
@example([10**40] * 3 + [1] * 37)
@example([MAX_SUM // 2, MAX_SUM // 2 + 2])
def test_fitted_weights_are_the_same_shares_and_their_sum_fits(weights: list[int]) -> None:
    made = fitted(weights)

    assert sum(made) <= MAX_SUM
    assert [weight > 0 for weight in made] == [weight > 0 for weight in weights]
    assert sorted(made) == [weight for _, weight in sorted(zip(weights, made, strict=True))]
    for weight, fit in zip(weights, made, strict=True):
        if weight:
            off = Fraction(fit, sum(made)) - Fraction(weight, sum(weights))
            assert abs(off) <= Fraction(len(weights) + 1, 10**9)
