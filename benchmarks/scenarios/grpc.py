"""Measures one long gRPC stream each way, of a real server through a real Envoy."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import grpc.aio

from benchmarks import processes
from benchmarks.bench import NOTHING, Bench
from benchmarks.figures import Case, Figure
from benchmarks.scenarios.step import Scenario, Step
from tests.e2e.calls import CHUNK, Calls, channel, method
from tests.e2e.rig import ONE, gateway_ref, rig
from tests.e2e.speaking import grpc_server
from tests.support.builders import ingress, service, slice_of

NAME: Final = "grpc"
HOST: Final = "grpc.test"
GIB: Final = 1024
"""The MiB of a stream."""

_CHUNKS: Final = GIB * 2**20 // len(CHUNK)
_PROTOCOL: Final = {"nginx.ingress.kubernetes.io/backend-protocol": "GRPC"}


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    del sizes
    yield Step("1 GiB", NOTHING, _measure)


def _measure(bench: Bench) -> Iterable[Figure]:
    del bench
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        return asyncio.run(_streamed(Path(place)))


async def _streamed(place: Path) -> list[Figure]:
    figures = []
    async with rig(place) as served, grpc_server(Calls()) as (host, port):
        served.declare(
            "web.yaml", service("web"), slice_of("web", addresses=[host], port=port), to=ONE
        )
        rule = ingress("web", host=HOST).path("/", to="web:80").of_class("mse")
        served.declare("rule.yaml", rule.annotate(_PROTOCOL))
        address = await served.address()
        envoy = served.served.gateways.envoys[gateway_ref()].pid or 0
        async with channel(address, HOST) as to:
            for name, stream in (("to the client", _received), ("to the server", _sent)):
                processes.forget_peak(envoy)
                cpu, memory = processes.cpu(envoy), processes.resident(envoy)
                started = time.monotonic()
                passed = await stream(to)
                took = time.monotonic() - started
                if passed != GIB * 2**20:
                    raise RuntimeError(f"{passed} bytes of the stream {name} have arrived")
                case = Case(NAME, f"1 GiB {name}")
                figures += [
                    case.figure("rate", GIB / took, "MiB/s"),
                    case.figure("CPU of Envoy", processes.cpu(envoy) - cpu, "s"),
                    case.figure("more memory of Envoy", processes.peak(envoy) - memory, "MiB"),
                ]
    return figures


async def _received(to: grpc.aio.Channel) -> int:
    call = method(to.unary_stream, "Chunks")(str(_CHUNKS).encode())
    return sum([len(chunk) async for chunk in call])


async def _sent(to: grpc.aio.Channel) -> int:
    return int(await method(to.stream_unary, "Count")(_chunks()))


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(_CHUNKS):
        yield CHUNK


GRPC = Scenario(
    NAME, "a gRPC stream of 1 GiB through a real Envoy; client and server share a process", _steps
)
