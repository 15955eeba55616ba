"""Measures the time from a changed endpoint in a member until an Envoy has it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step

NAME = "endpoint"


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    full = sizes[-1]
    for pause, flags in (("20 ms", ("-n=200", "-gap=20ms")), ("600 ms", ("-n=40", "-gap=600ms"))):
        case = f"{full} hosts, {pause} between"
        yield Step(case, Size.of(full), partial(_measure, Case(NAME, case), flags))


def _measure(case: Case, flags: Sequence[str], bench: Bench) -> Iterable[Figure]:
    with bench.serving() as serving:
        outcome = bench.measure(serving, "endpoints", *flags)
    samples = outcome.samples["endpoint"]
    yield from case.waits(samples)
    yield case.figure("CPU per endpoint", 1000 * outcome.numbers["cpu_s"] / len(samples), "ms")
    yield case.figure("bytes per endpoint", outcome.numbers["bytes"] / len(samples), "B")
    yield case.figure("busy cores", outcome.numbers["busy_cores"], "")


ENDPOINTS = Scenario(
    NAME, "changed EndpointSlice of a member, to the endpoint at an Envoy", _steps, needs_hosts=True
)
