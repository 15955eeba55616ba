"""A stream whose client says whatever it likes, and how that ends."""

from __future__ import annotations  # grpc's generic names exist for the type checker only

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from envoy_data_plane.envoy.service.discovery import v3 as discovery
from envoy_data_plane.google.rpc import Status
from grpc import aio

from tests.hostile.target import Target, node
from tests.xds.dialogue import AGGREGATED
from xds.resource import TypeUrl

ALIVE: Final = "alive"
"""What became of a client that is still served."""

_BOUND: Final = 120.0


@dataclass(frozen=True, slots=True)
class Stream:
    """One delta stream."""

    name: str
    call: aio.StreamStreamCall[bytes, bytes]

    async def say(
        self,
        type_url: str,
        *,
        names: Sequence[str] = (),
        gone: Sequence[str] = (),
        held: Mapping[str, str] | None = None,
        nonce: str = "",
        error: str | None = None,
    ) -> None:
        """Send a request; each one says again who asks."""
        request = discovery.DeltaDiscoveryRequest(
            node=node(self.name),
            type_url=type_url,
            resource_names_subscribe=list(names),
            resource_names_unsubscribe=list(gone),
            initial_resource_versions=dict(held or {}),
            response_nonce=nonce,
            error_detail=Status(code=13, message=error) if error is not None else None,
        )
        await self.call.write(bytes(request))

    async def hear(self) -> discovery.DeltaDiscoveryResponse:
        """The next response."""
        data = await self.call.read()
        if not isinstance(data, bytes):
            raise _Ended
        return discovery.DeltaDiscoveryResponse.parse(data)

    async def exchange(self, type_url: str, *names: str) -> None:
        """Subscribe, and acknowledge the answer."""
        await self.say(type_url, names=names)
        response = await self.hear()
        await self.say(type_url, nonce=response.nonce)

    async def is_served(self) -> None:
        """Ask for something that waits for nothing else, and take the answer."""
        await self.exchange(TypeUrl.SECRET, "anything")


class _Ended(Exception):
    """The server has ended the stream."""


Story: TypeAlias = Callable[[Stream], Awaitable[None]]


async def outcome(channel: aio.Channel, name: str, story: Story) -> str:
    """Run a script on a stream. Return how the server has ended it, if it has."""
    stream = Stream(name, channel.stream_stream(AGGREGATED["delta"])())
    async with asyncio.timeout(_BOUND):
        try:
            await story(stream)
        except (_Ended, aio.AioRpcError, asyncio.InvalidStateError):
            # Of a stream that ends while it writes, gRPC sometimes says no more than that.
            return f"ended: {(await stream.call.code()).name}: {await stream.call.details()}"
        stream.call.cancel()
        return ALIVE


def told(target: Target, story: Story) -> str:
    """Run a script on a stream of its own connection."""

    async def tell() -> str:
        async with target.aio_channel() as channel:
            return await outcome(channel, "hostile", story)

    return asyncio.run(tell())


async def together(target: Target, story: Story, streams: int) -> str:
    """Run a script on many streams of one connection, and return the worst end of one."""
    async with target.aio_channel() as channel:
        tellings = (outcome(channel, f"hostile-{number}", story) for number in range(streams))
        return worst(await asyncio.gather(*tellings))


def worst(outcomes: Iterable[str]) -> str:
    """How a stream was ended, if one was."""
    return next((each for each in outcomes if each != ALIVE), ALIVE)
