"""Measures the time from a new Ingress of one host until an Envoy has its route."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.bench import Bench, Size
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step

NAME = "route"


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for hosts in sizes:
        yield _step(f"{hosts} hosts, idle", hosts, ("-n=40", "-gap=600ms"))
        yield _step(f"{hosts} hosts, back to back", hosts, ("-n=200",))
    full = sizes[-1]
    sotw = ("-n=40", "-delta=false")
    yield _step(f"{full} hosts, back to back, state of the world", full, sotw)


def _step(case: str, hosts: int, flags: Sequence[str]) -> Step:
    return Step(case, Size.of(hosts), partial(_measure, Case(NAME, case), flags))


def _measure(case: Case, flags: Sequence[str], bench: Bench) -> Iterable[Figure]:
    with bench.serving() as serving:
        outcome = bench.measure(serving, "routes", *flags)
    samples = outcome.samples["route"]
    yield from case.waits(samples)
    yield case.figure("CPU per route", 1000 * outcome.numbers["cpu_s"] / len(samples), "ms")
    yield case.figure("bytes per route", outcome.numbers["bytes"] / len(samples), "B")
    yield case.figure("busy cores", outcome.numbers["busy_cores"], "")


ROUTES = Scenario(NAME, "new Ingress, from the API server's 201 to the route at an Envoy", _steps)
