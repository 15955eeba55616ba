"""Measures a steady rate of changes."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure, quantile
from benchmarks.scenarios.step import Scenario, Step

NAME = "churn"
SECONDS = 60


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    case = f"{sizes[-1]} hosts"
    yield Step(case, Size.of(sizes[-1]), partial(_measure, Case(NAME, case)))


def _measure(case: Case, bench: Bench) -> Iterable[Figure]:
    with bench.serving() as serving:
        outcome = bench.measure(serving, "churn", f"-n={SECONDS}")
    yield case.figure("CPU", outcome.numbers["cpu_s"], "s")
    yield case.figure("peak memory", outcome.numbers["peak_mib"], "MiB")
    yield case.figure("route p99", quantile(outcome.samples["route"], 0.99), "ms")
    yield case.figure("endpoint p99", quantile(outcome.samples["endpoint"], 0.99), "ms")
    yield case.figure("bytes", outcome.numbers["bytes"], "B")
    yield case.figure("unseen", outcome.numbers.get("unseen", 0), "")
    yield case.figure("busy cores", outcome.numbers["busy_cores"], "")


CHURN = Scenario(
    NAME,
    "5 changes a second for 60 s: half endpoints, a quarter new, a quarter gone Ingresses",
    _steps,
    needs_hosts=True,
)
