"""The plan of a benchmark: its steps and their order."""

from collections import Counter

import pytest

from benchmarks.bench import Size
from benchmarks.goals import GOALS
from benchmarks.run import Planned, planned
from benchmarks.scenarios import SCENARIOS

DEFAULT = (0, 1000, 5000)


def order(sizes: tuple[int, ...]) -> list[Planned]:
    return planned(SCENARIOS, sizes)


def test_what_is_written_is_used_before_it_is_taken_away() -> None:
    """Loads grow from step to step. Only the step that measures loading starts with nothing."""
    held = 0
    falls = []
    for one in order(DEFAULT):
        if one.step.load.hosts < held:
            falls.append(one.scenario)
        held = (one.step.leaves or one.step.load).hosts
    assert falls == ["load-in"]


@pytest.mark.parametrize("sizes", [DEFAULT, (5000, 0, 1000, 1000)], ids=["sorted", "any-order"])
def test_each_size_is_measured_once(sizes: tuple[int, ...]) -> None:
    cold = [one.step.load for one in order(sizes) if one.scenario == "cold"]

    assert cold == [Size.of(0), Size.of(1000), Size.of(5000)]


def test_the_largest_size_is_that_of_scenarios_with_one() -> None:
    loads = {one.scenario: one.step.load for one in order((0, 20_000)) if one.scenario == "churn"}

    assert loads == {"churn": Size.of(20_000)}


def test_without_hosts_nothing_is_measured_that_needs_them() -> None:
    named = {one.scenario for one in order((0,))}

    assert named == {
        *("route", "cold", "memory", "envoy", "failover", "forwarding", "patterns", "policies"),
        "grpc",
    }


def test_up_to_a_larger_size_only_growth_is_measured() -> None:
    steps = planned(SCENARIOS, DEFAULT, 20_000)
    larger = [one.scenario for one in steps if one.step.load == Size.of(20_000)]

    assert larger == ["memory", "envoy"]
    assert len(steps) == len(order(DEFAULT)) + 2


def test_a_growth_that_is_measured_anyway_adds_nothing() -> None:
    assert len(planned(SCENARIOS, DEFAULT, 5000)) == len(order(DEFAULT))


def test_steps_of_a_scenario_tell_their_cases_apart() -> None:
    counted = Counter((one.scenario, one.step.case) for one in order(DEFAULT))

    assert set(counted.values()) == {1}


def test_every_goal_belongs_to_a_scenario() -> None:
    assert {scenario for scenario, _, _ in GOALS} <= {scenario.name for scenario in SCENARIOS}
