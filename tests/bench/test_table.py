"""The table of a run shows numbers with their goals, and the changes since another run."""

from dataclasses import replace

import pytest

from benchmarks.figures import Case, Figure
from benchmarks.results import Results
from benchmarks.table import compared, shown, tables

ROUTE = Case("route", "5000 hosts, idle")
COLD = Case("cold", "5000 hosts")


def results(*figures: Figure) -> Results:
    return Results("2026-01-01 10:00 UTC", {"cores": "2"}, {"commit": "abc1234"}, figures)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        pytest.param(2.494, "ms", "2.49 ms", id="three-digits"),
        pytest.param(0.0, "", "0", id="nothing"),
        pytest.param(1434.2, "ms", "1.43 s", id="milliseconds-become-seconds"),
        pytest.param(1055.0, "B", "1.03 KiB", id="bytes-become-kibibytes"),
        pytest.param(3 * 2**20, "B", "3 MiB", id="bytes-become-mebibytes"),
        pytest.param(614.4, "MiB", "614 MiB", id="no-false-digits"),
        pytest.param(168497.0, "", "168,497", id="thousands"),
    ],
)
def test_a_number_is_shown_to_three_digits_in_a_unit_that_suits_it(
    value: float, unit: str, expected: str
) -> None:
    assert shown(value, unit) == expected


@pytest.mark.parametrize(
    ("figure", "cell"),
    [
        pytest.param(ROUTE.figure("median", 5, "ms"), "5 ms (goal 5 ms: met)", id="met"),
        pytest.param(
            ROUTE.figure("median", 5.1, "ms"), "5.1 ms (goal 5 ms: **missed**)", id="missed"
        ),
        pytest.param(
            Case("forwarding", "5000 paths").figure("of a host with 10", 91, "%"),
            "91 % (goal at least 90 %: met)",
            id="larger-is-better",
        ),
        pytest.param(ROUTE.figure("CPU per route", 5, "ms"), "| 5 ms |", id="no-goal"),
        pytest.param(
            Figure("cold", "0 hosts", "CPU", "s", (1.0, 3.0, 2.0)),
            "2 s [1 s to 3 s]",
            id="spread-of-several-runs",
        ),
    ],
)
def test_a_cell_shows_the_goal_and_whether_it_is_met(figure: Figure, cell: str) -> None:
    assert cell in tables(results(figure), {})


def test_each_scenario_is_a_table_with_a_line_for_each_case() -> None:
    text = tables(
        results(
            ROUTE.figure("median", 4, "ms"),
            Case("route", "busy").figure("p99", 30, "ms"),
            COLD.figure("slowest", 3, "s"),
        ),
        {"route": "a new Ingress"},
    )

    assert "### route\n\na new Ingress\n\n|  | median | p99 |\n| --- | --- | --- |\n" in text
    assert "| busy |  | 30 ms |\n\n### cold" in text


def test_the_head_counts_goals() -> None:
    text = tables(
        results(
            ROUTE.figure("median", 4, "ms"),
            ROUTE.figure("p99", 21, "ms"),
        ),
        {},
    )

    assert "1 of 2 goals are met." in text


def test_the_head_names_goals_of_the_scenario_that_have_no_number() -> None:
    text = tables(results(Case("churn", "5000 hosts").figure("CPU", 1, "s")), {})

    assert "Goals that this run did not measure: churn, 5000 hosts, peak memory.\n" in text


def test_what_is_missing_is_said() -> None:
    held = replace(results(), notes=["envoy, idle: no root"], failures=["cold: it ended"])

    assert "Not measured here:\n\n- envoy, idle: no root\n" in tables(held, {})
    assert "Failed:\n\n- cold: it ended\n" in tables(held, {})


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        pytest.param(4.0, 6.0, "+50%", id="slower"),
        pytest.param(4.0, 2.0, "-50%", id="faster"),
        pytest.param(0.0, 2.0, "was nothing", id="from-nothing"),
    ],
)
def test_a_comparison_shows_what_changed(before: float, now: float, change: str) -> None:
    text = compared(
        results(ROUTE.figure("median", before, "ms")), results(ROUTE.figure("median", now, "ms"))
    )

    assert text.endswith(f"| {shown(before, 'ms')} | {shown(now, 'ms')} | {change} |\n")


def test_a_comparison_leaves_noise_out() -> None:
    text = compared(
        results(ROUTE.figure("median", 4, "ms")), results(ROUTE.figure("median", 4.3, "ms"))
    )

    assert "Nothing differs by more than 10%." in text


def test_a_comparison_says_which_scenarios_were_not_repeated() -> None:
    text = compared(results(COLD.figure("CPU", 1, "s")), results())

    assert "Only measured before, in part or whole: cold." in text
