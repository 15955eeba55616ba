"""gRPC calls of every kind pass the gateway: messages both ways, deadlines, trailers, long streams.

The server is one of grpcio, and the client another, with a real Envoy between them.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from fleetgate.demo.http import Address
from tests.e2e.calls import CHUNK, Calls, channel, method
from tests.e2e.rig import ONE, rig
from tests.e2e.speaking import grpc_server, self_made
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, service, slice_of

KEY = "nginx.ingress.kubernetes.io/backend-protocol"
TIMEOUT = "mse.ingress.kubernetes.io/timeout"
CHUNKS = 1024
"""64 MiB together."""


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Address
    calls: Calls


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    calls = Calls()
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        for name, pair in (("grpc", None), ("grpcs", self_made())):
            host, port = await stack.enter_async_context(grpc_server(calls, pair))
            endpoints = slice_of(name, addresses=[host], port=port)
            served.declare(f"{name}.yaml", service(name), endpoints, to=ONE)
            rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80").of_class("mse")
            limited = ingress(f"{name}-l", host=f"limited.{name}.test").path("/", to=f"{name}:80")
            served.declare(
                f"{name}-rules.yaml",
                rule.annotate({KEY: name.upper()}),
                limited.of_class("mse").annotate({KEY: name.upper(), TIMEOUT: "1"}),
            )
        yield Site(await served.address(), calls)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


protocols = pytest.mark.parametrize("protocol", ["grpc", "grpcs"])


@protocols
def test_one_message_each_way_with_metadata_and_trailers(
    site: Standing[Site], protocol: str
) -> None:
    async def asking() -> tuple[bytes, dict[str, Any], dict[str, Any]]:
        async with channel(site.value.gateway, f"{protocol}.test") as to:
            call = method(to.unary_unary, "Echo")(b"hello", metadata=(("x-said", "hi"),))
            answer = await call
            first, last = await call.initial_metadata(), await call.trailing_metadata()
            return answer, dict(first), dict(last)

    answer, first, last = site.run(asking())
    assert (answer, first["x-first"], last["x-last-bin"]) == (b"hello", "hi", b"\x00\xff")


@protocols
def test_a_stream_of_64_mib_to_the_client(site: Standing[Site], protocol: str) -> None:
    async def asking() -> int:
        async with channel(site.value.gateway, f"{protocol}.test") as to:
            call = method(to.unary_stream, "Chunks")(str(CHUNKS).encode())
            return sum([len(chunk) async for chunk in call])

    assert site.run(asking()) == CHUNKS * len(CHUNK)


@protocols
def test_a_stream_of_64_mib_to_the_server(site: Standing[Site], protocol: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    async def asking() -> bytes:
        async with channel(site.value.gateway, f"{protocol}.test") as to:
            call = method(to.stream_unary, "Count")(chunks())
            counted: bytes = await call
            return counted

    assert site.run(asking()) == str(CHUNKS * len(CHUNK)).encode()


@protocols
def test_both_streams_at_once(site: Standing[Site], protocol: str) -> None:
    """Each message is answered before the next one is sent."""

    async def asking() -> list[bytes]:
        async with channel(site.value.gateway, f"{protocol}.test") as to:
            call = method(to.stream_stream, "Talk")()
            heard = []
            for word in (b"one", b"two", b"three"):
                await call.write(word)
                heard.append(await call.read())
            await call.done_writing()
            assert await call.code() is grpc.StatusCode.OK
            return heard

    assert site.run(asking()) == [b"ONE", b"TWO", b"THREE"]


@protocols
def test_a_deadline_of_the_client_ends_the_call_at_the_server(
    site: Standing[Site], protocol: str
) -> None:
    async def asking() -> grpc.StatusCode:
        site.value.calls.ended.clear()
        async with channel(site.value.gateway, f"{protocol}.test") as to:
            call = method(to.unary_unary, "Wait")(b"", timeout=1)
            code: grpc.StatusCode = await call.code()
            await site.value.calls.ended.wait()
            return code

    assert site.run(asking()) is grpc.StatusCode.DEADLINE_EXCEEDED


@protocols
def test_a_timeout_of_the_ingress_ends_the_call(site: Standing[Site], protocol: str) -> None:
    """A status of 504 of the gateway is UNAVAILABLE for a client of gRPC."""

    async def asking() -> grpc.StatusCode:
        site.value.calls.ended.clear()
        async with channel(site.value.gateway, f"limited.{protocol}.test") as to:
            call = method(to.unary_unary, "Wait")(b"")
            code: grpc.StatusCode = await call.code()
            await site.value.calls.ended.wait()
            return code

    assert site.run(asking()) is grpc.StatusCode.UNAVAILABLE
