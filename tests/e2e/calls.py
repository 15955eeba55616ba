"""A method of each kind for a gRPC server, and a client for it. Messages are bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio

from fleetgate.demo.http import Address

CHUNK = b"x" * (64 * 1024)


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


@asynccontextmanager
async def channel(gateway: Address, host: str) -> AsyncIterator[grpc.aio.Channel]:
    """Connect to a host of a gateway while the block runs."""
    options = [("grpc.default_authority", host)]
    target = "{}:{}".format(*gateway)
    async with grpc.aio.insecure_channel(target, options) as made:
        yield made


def method(kind: Callable[[str], Any], name: str) -> Any:  # noqa: ANN401 (calls of any kind)
    """Return a method, whose messages are bytes."""
    return kind(f"/test.Calls/{name}")
