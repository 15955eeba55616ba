"""Measures the time to write the whole load by 16 writers while an Envoy is connected."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import NOTHING, Bench, Size
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step

NAME = "load-in"


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    size = Size.of(sizes[-1])
    case = f"{3 * size.hosts} objects"
    run = partial(_measure, Case(NAME, case), size)
    yield Step(case, NOTHING, run, leaves=size)


def _measure(case: Case, size: Size, bench: Bench) -> Iterable[Figure]:
    with bench.serving() as serving:
        outcome = bench.load_in(serving, size)
    yield case.figure("CPU", outcome.numbers["cpu_s"], "s")
    yield case.figure("lag after the last write", outcome.numbers["lag_s"], "s")
    yield case.figure("written in", outcome.numbers["written_s"], "s")
    yield case.figure("peak memory", outcome.numbers["peak_mib"], "MiB")
    yield case.figure("bytes", outcome.numbers["bytes"], "B")
    yield case.figure("busy cores", outcome.numbers["busy_cores"], "")


LOAD_IN = Scenario(
    NAME,
    "Ingress, Service and EndpointSlice of each host, written at once",
    _steps,
    needs_hosts=True,
)
