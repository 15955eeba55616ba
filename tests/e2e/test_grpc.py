"""gRPC calls of every kind pass the gateway: messages both ways, deadlines, trailers, long streams.

The server is one of grpcio, and the client another, with a real Envoy between them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from fleetgate.demo.http import Address
from tests.e2e.rig import ONE, rig
from tests.e2e.speaking import self_made
from tests.e2e.standing import Standing, standing
from tests.support.authority import Pair
from tests.support.builders import ingress, service, slice_of

KEY = "nginx.ingress.kubernetes.io/backend-protocol"
TIMEOUT = "mse.ingress.kubernetes.io/timeout"
CHUNK = b"x" * (64 * 1024)
CHUNKS = 1024
"""64 MiB together."""


@dataclass(slots=True)
class Calls(grpc.GenericRpcHandler):
    """The methods of the server, by their names. `ended` is set when `wait` ends."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def service(self, details: grpc.HandlerCallDetails) -> Any:  # noqa: ANN401 (any handler)
        handlers: dict[str, Any] = {
            "/test.Calls/Echo": grpc.unary_unary_rpc_method_handler(self.echo),
            "/test.Calls/Count": grpc.stream_unary_rpc_method_handler(self.count),
            "/test.Calls/Chunks": grpc.unary_stream_rpc_method_handler(self.chunks),
            "/test.Calls/Talk": grpc.stream_stream_rpc_method_handler(self.talk),
            "/test.Calls/Wait": grpc.unary_unary_rpc_method_handler(self.wait),
        }
        return handlers[details.method]

    async def echo(self, message: bytes, context: Any) -> bytes:  # noqa: ANN401 (generic)
        """Send a message back, with metadata before and behind it."""
        said = dict(context.invocation_metadata())
        await context.send_initial_metadata((("x-first", said.get("x-said", "")),))
        context.set_trailing_metadata((("x-last-bin", b"\x00\xff"),))
        return message

    async def count(self, messages: AsyncIterator[bytes], _: Any) -> bytes:  # noqa: ANN401 (generic)
        """Count the bytes of all messages."""
        return str(sum([len(message) async for message in messages])).encode()

    async def chunks(self, number: bytes, _: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 (generic)
        """Send so many chunks."""
        for _number in range(int(number)):
            yield CHUNK

    async def talk(self, messages: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 (generic)
        """Answer each message before the next one comes."""
        async for message in messages:
            yield message.upper()

    async def wait(self, _: bytes, __: Any) -> bytes:  # noqa: ANN401 (generic)
        """Never answer. The end of the call is noted."""
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return b""


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Address
    calls: Calls


@asynccontextmanager
async def grpc_server(calls: Calls, pair: Pair | None) -> AsyncIterator[Address]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((calls,))
    if pair is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        credentials = grpc.ssl_server_credentials([(pair.key, pair.certificate)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield "127.0.0.1", port
    finally:
        await server.stop(0)


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


@asynccontextmanager
async def channel(site: Site, host: str) -> AsyncIterator[grpc.aio.Channel]:
    options = [("grpc.default_authority", host)]
    target = "{}:{}".format(*site.gateway)
    async with grpc.aio.insecure_channel(target, options) as made:
        yield made


def method(kind: Callable[[str], Any], name: str) -> Any:  # noqa: ANN401 (calls of any kind)
    """Return a method, whose messages are bytes."""
    return kind(f"/test.Calls/{name}")


protocols = pytest.mark.parametrize("protocol", ["grpc", "grpcs"])


@protocols
def test_one_message_each_way_with_metadata_and_trailers(
    site: Standing[Site], protocol: str
) -> None:
    async def asking() -> tuple[bytes, dict[str, Any], dict[str, Any]]:
        async with channel(site.value, f"{protocol}.test") as to:
            call = method(to.unary_unary, "Echo")(b"hello", metadata=(("x-said", "hi"),))
            answer = await call
            first, last = await call.initial_metadata(), await call.trailing_metadata()
            return answer, dict(first), dict(last)

    answer, first, last = site.run(asking())
    assert (answer, first["x-first"], last["x-last-bin"]) == (b"hello", "hi", b"\x00\xff")


@protocols
def test_a_stream_of_64_mib_to_the_client(site: Standing[Site], protocol: str) -> None:
    async def asking() -> int:
        async with channel(site.value, f"{protocol}.test") as to:
            call = method(to.unary_stream, "Chunks")(str(CHUNKS).encode())
            return sum([len(chunk) async for chunk in call])

    assert site.run(asking()) == CHUNKS * len(CHUNK)


@protocols
def test_a_stream_of_64_mib_to_the_server(site: Standing[Site], protocol: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    async def asking() -> bytes:
        async with channel(site.value, f"{protocol}.test") as to:
            call = method(to.stream_unary, "Count")(chunks())
            counted: bytes = await call
            return counted

    assert site.run(asking()) == str(CHUNKS * len(CHUNK)).encode()


@protocols
def test_both_streams_at_once(site: Standing[Site], protocol: str) -> None:
    """Each message is answered before the next one is sent."""

    async def asking() -> list[bytes]:
        async with channel(site.value, f"{protocol}.test") as to:
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
        async with channel(site.value, f"{protocol}.test") as to:
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
        async with channel(site.value, f"limited.{protocol}.test") as to:
            call = method(to.unary_unary, "Wait")(b"")
            code: grpc.StatusCode = await call.code()
            await site.value.calls.ended.wait()
            return code

    assert site.run(asking()) is grpc.StatusCode.UNAVAILABLE
