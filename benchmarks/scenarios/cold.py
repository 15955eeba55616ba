"""Measures the start of a control plane, until an Envoy has all resources."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from statistics import median

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step

NAME = "cold"
STARTS = 3


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for hosts in sizes:
        case = f"{hosts} hosts"
        yield Step(case, Size.of(hosts), partial(_measure, Case(NAME, case)))


def _measure(case: Case, bench: Bench) -> Iterable[Figure]:
    outcomes = [bench.measure_start() for _ in range(STARTS)]
    took = [outcome.samples["all"][0] / 1000 for outcome in outcomes]
    yield case.figure(f"median of {STARTS}", median(took), "s")
    yield case.figure("slowest", max(took), "s")
    for measure, name, unit in (
        ("CPU", "cpu_s", "s"),
        ("peak memory", "peak_mib", "MiB"),
        ("busy cores", "busy_cores", ""),
    ):
        yield case.figure(measure, median(outcome.numbers[name] for outcome in outcomes), unit)


COLD = Scenario(NAME, "start of the control plane, from exec to everything at an Envoy", _steps)
