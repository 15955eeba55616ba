"""Measures hosts with certificates: the first handshake of a new one, and changes beside many."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from benchmarks.backends import Pods, pods
from benchmarks.bench import Bench, Size
from benchmarks.envoys import following
from benchmarks.figures import Case, Figure, quantile
from benchmarks.scenarios.step import Scenario, Step, Unavailable
from tests.support import netns
from translators.model.shapes import HTTP_PORT, HTTPS_PORT

NAME = "tls"

_IDLE = ("-n=40", "-gap=600ms")


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    for hosts in sizes:
        if hosts:
            yield Step(f"{hosts} hosts", Size.of(hosts), partial(_measure, hosts))


def _measure(hosts: int, bench: Bench) -> Iterable[Figure]:
    if why := netns.available():
        raise Unavailable(why)
    with (
        bench.secured(),
        netns.namespace() as host,
        pods(host, "c1", port=8080, first=1, count=1) as backend,
    ):
        case = Case(NAME, f"{hosts} hosts")
        return [*asyncio.run(_shown(case, backend, bench)), *_beside(case, bench)]


async def _shown(case: Case, backend: Pods, bench: Bench) -> list[Figure]:
    (place,) = backend.places
    async with following(bench) as (serving, _, address):
        through = f"{address[0]}:{address[1] - HTTP_PORT + HTTPS_PORT}"
        outcome = await asyncio.to_thread(
            bench.measure,
            serving,
            "handshakes",
            *_IDLE,
            f"-through={through}",
            f"-backend={place[0]}:{place[1]}",
        )
    samples = outcome.samples["handshake"]
    return [
        case.figure("first handshake, median", quantile(samples, 0.5), "ms"),
        case.figure("first handshake, p99", quantile(samples, 0.99), "ms"),
    ]


def _beside(case: Case, bench: Bench) -> Iterator[Figure]:
    """Measure a new route and a changed endpoint, as the scenarios of these names do."""
    for command, measured in (("routes", "route"), ("endpoints", "endpoint")):
        with bench.serving() as serving:
            samples = bench.measure(serving, command, *_IDLE).samples[measured]
        yield case.figure(f"{measured}, median", quantile(samples, 0.5), "ms")
        yield case.figure(f"{measured}, p99", quantile(samples, 0.99), "ms")


TLS = Scenario(
    NAME,
    "hosts with certificates: from the API server's 201 to the first handshake of a new one",
    _steps,
    needs_hosts=True,
)
