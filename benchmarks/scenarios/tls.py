"""Measures hosts with certificates: the first handshake of a new one, and what all others cost."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from benchmarks.backends import Pods, pods
from benchmarks.bench import NOTHING, Bench, Size
from benchmarks.envoys import following
from benchmarks.figures import Case, Figure, quantile
from benchmarks.processes import resident
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
    case = Case(NAME, f"{hosts} hosts")
    plain, plain_memory = _changes(bench), _held(bench)
    with (
        bench.secured(),
        netns.namespace() as host,
        pods(host, "c1", port=8080, first=1, count=1) as backend,
    ):
        yield from asyncio.run(_shown(case, hosts, backend, bench))
        for change, samples in _changes(bench).items():
            median = quantile(samples, 0.5)
            yield case.figure(f"{change}, median", median, "ms")
            yield case.figure(f"{change}, p99", quantile(samples, 0.99), "ms")
            yield case.figure(f"{change}, times plain", median / quantile(plain[change], 0.5), "")
        more = _held(bench) - plain_memory
    yield case.figure("fleetgate, per host", 1024 * more / hosts, "KiB")
    plain_load, load = _loaded(bench, hosts), _loaded(bench, hosts, "-secured")
    bench.unsecure()
    yield case.figure("CPU of load-in", load, "s")
    yield case.figure("CPU of load-in, times plain", load / plain_load, "")


async def _shown(case: Case, hosts: int, backend: Pods, bench: Bench) -> list[Figure]:
    (place,) = backend.places
    async with following(bench) as (serving, envoy, address):
        through = f"-through={address[0]}:{address[1] - HTTP_PORT + HTTPS_PORT}"
        measure = partial(bench.measure, serving)
        backend_at = f"-backend={place[0]}:{place[1]}"
        before = resident(envoy.pid or 0)
        await asyncio.to_thread(measure, "visit", through)
        more = resident(envoy.pid or 0) - before
        outcome = await asyncio.to_thread(measure, "handshakes", *_IDLE, through, backend_at)
    samples = outcome.samples["handshake"]
    return [
        case.figure("first handshake, median", quantile(samples, 0.5), "ms"),
        case.figure("first handshake, p99", quantile(samples, 0.99), "ms"),
        case.figure("Envoy, per host", 1024 * more / hosts, "KiB"),
    ]


def _changes(bench: Bench) -> Mapping[str, Sequence[float]]:
    """Measure new routes and changed endpoints, as the scenarios of these names do."""
    found = {}
    for command, measured in (("routes", "route"), ("endpoints", "endpoint")):
        with bench.serving() as serving:
            found[measured] = bench.measure(serving, command, *_IDLE).samples[measured]
    return found


def _loaded(bench: Bench, hosts: int, *options: str) -> float:
    """Measure the CPU of a control plane while the whole load is written, in seconds."""
    bench.have(NOTHING)
    with bench.serving() as serving:
        return bench.load_in(serving, Size.of(hosts), *options).numbers["cpu_s"]


def _held(bench: Bench) -> float:
    """Measure the memory of a control plane with the load, in MiB."""
    with bench.serving() as serving:
        return bench.measure(serving, "hold").numbers["rss_mib"]


TLS = Scenario(
    NAME,
    "hosts with certificates: from the API server's 201 to the first handshake of a new one,"
    " and changes and memory beside hosts without",
    _steps,
    needs_hosts=True,
)
