"""Measures a real Envoy: the time until it answers a new host, and its memory with all routes."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.backends import Pods, pods
from benchmarks.bench import Bench, Size
from benchmarks.envoys import following, resident
from benchmarks.figures import Case, Figure, quantile
from benchmarks.scenarios.step import Scenario, Step, Unavailable
from tests.support import netns

NAME = "envoy"


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    yield from _growth(sizes[-1])


def _growth(hosts: int) -> Iterator[Step]:
    yield Step(f"{hosts} hosts", Size.of(hosts), partial(_measure, hosts))


def _measure(hosts: int, bench: Bench) -> Iterable[Figure]:
    if why := netns.available():
        raise Unavailable(why)
    with netns.namespace() as host, pods(host, "c1", port=8080, first=1, count=1) as backend:
        return asyncio.run(_answered(hosts, backend, bench))


async def _answered(hosts: int, backend: Pods, bench: Bench) -> list[Figure]:
    (place,) = backend.places
    async with following(bench) as (serving, envoy, address):
        series = await envoy.get("/stats/prometheus")
        memory = resident(envoy.pid or 0)
        outcome = await asyncio.to_thread(
            bench.measure,
            serving,
            "routes",
            *("-n=40", "-gap=600ms"),
            f"-through={address[0]}:{address[1]}",
            f"-backend={place[0]}:{place[1]}",
        )
    held, idle = Case(NAME, f"{hosts} hosts"), Case(NAME, f"{hosts} hosts, idle")
    lines = [line for line in series.splitlines() if line and not line.startswith("#")]
    answered = outcome.samples["answered"]
    return [
        idle.figure("answered, median", quantile(answered, 0.5), "ms"),
        idle.figure("answered, p99", quantile(answered, 0.99), "ms"),
        idle.figure("busy cores", outcome.numbers["busy_cores"], ""),
        held.figure("series", len(lines), ""),
        held.figure("memory", memory, "MiB"),
    ]


ENVOY = Scenario(
    NAME,
    "a real Envoy: from the API server's 201 to its 200, and what it takes",
    _steps,
    growth=_growth,
)
