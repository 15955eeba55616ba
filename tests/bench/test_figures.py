"""Figures are samples that were measured, and several runs become one figure."""

import pytest

from benchmarks.figures import Case, Figure, merged, quantile

HUNDRED = [float(n) for n in range(1, 101)]


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        pytest.param([3.0], 0.99, 3.0, id="one-sample"),
        pytest.param([4.0, 1.0, 3.0, 2.0], 0.5, 2.0, id="median-of-four-was-seen"),
        pytest.param([5.0, 1.0, 3.0], 0.5, 3.0, id="median-of-three"),
        pytest.param(HUNDRED, 0.99, 99.0, id="p99-of-a-hundred"),
        pytest.param(HUNDRED[:40], 0.99, 40.0, id="p99-of-few-is-the-worst"),
        pytest.param(HUNDRED, 0.0, 1.0, id="smallest"),
    ],
)
def test_a_quantile_is_the_smallest_sample_that_the_share_does_not_exceed(
    samples: list[float], share: float, expected: float
) -> None:
    assert quantile(samples, share) == expected


def test_waits_are_median_and_p99_in_milliseconds() -> None:
    assert [(f.measure, f.value, f.unit) for f in Case("route", "idle").waits(HUNDRED)] == [
        ("median", 50.0, "ms"),
        ("p99", 99.0, "ms"),
    ]


def test_several_runs_of_a_figure_are_one_with_the_median_as_value() -> None:
    case = Case("cold", "5000 hosts")
    runs = [[case.figure("CPU", value, "s")] for value in (3.0, 9.0, 1.0)]

    assert merged(runs) == (Figure("cold", "5000 hosts", "CPU", "s", (3.0, 9.0, 1.0)),)
    assert merged(runs)[0].value == 3.0


def test_figures_keep_the_order_in_which_they_came_first() -> None:
    one, two = Case("cold", "0 hosts"), Case("cold", "1000 hosts")
    first = [two.figure("CPU", 1, "s"), one.figure("CPU", 1, "s")]

    assert [f.case for f in merged([first, reversed(first)])] == ["1000 hosts", "0 hosts"]
