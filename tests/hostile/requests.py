"""Attacks by what a request holds: long lists, long texts, more than anybody needs."""

import asyncio
from typing import Final

import grpc
from envoy_data_plane.envoy.service.discovery import v3 as discovery

from tests.hostile.stream import Stream, outcome, together, told
from tests.hostile.target import Target, node
from xds.resource import TypeUrl

_ALLOWED: Final = 50_000
"""Names that a stream may be subscribed to."""

_MIB: Final = 1 << 20


def names_given_up(target: Target) -> str:
    """Subscribe to as many names as are allowed, and give all of them up in one request."""

    async def story(stream: Stream) -> None:
        names = _names(_ALLOWED)
        await stream.exchange(TypeUrl.ENDPOINT, *names)
        await stream.say(TypeUrl.ENDPOINT, gone=names)
        await stream.is_served()

    return told(target, story)


def more_names_than_allowed(target: Target) -> str:
    """Subscribe to more names in one request."""

    async def story(stream: Stream) -> None:
        await stream.exchange(TypeUrl.ENDPOINT, *_names(2 * _ALLOWED))

    return told(target, story)


def names_again_and_again(target: Target) -> str:
    """Subscribe to the same names and give them up, many times."""

    async def story(stream: Stream) -> None:
        names = _names(20_000)
        for _ in range(20):
            await stream.say(TypeUrl.ENDPOINT, names=names)
            await stream.say(TypeUrl.ENDPOINT, gone=names)
        await stream.is_served()

    return told(target, story)


def other_names_without_end(target: Target) -> str:
    """Subscribe to ever more names."""

    async def story(stream: Stream) -> None:
        for number in range(100):
            await stream.say(TypeUrl.ENDPOINT, names=_names(_ALLOWED // 2, f"{number}-"))
        await stream.is_served()

    return told(target, story)


def versions_of_everything(target: Target) -> str:
    """Come back and say to hold very many resources, on stream after stream."""
    for _ in range(5):
        found = told(target, _come_back)
    return found


async def _come_back(stream: Stream) -> None:
    held = dict.fromkeys(_names(50_000), "a version")
    await stream.say(TypeUrl.CLUSTER, held=held)
    response = await stream.hear()
    await stream.say(TypeUrl.CLUSTER, nonce=response.nonce)
    await stream.is_served()


def large_requests(target: Target) -> str:
    """A request of 64 MiB, several times."""
    for _ in range(6):
        found = told(target, _large)
    return found


async def _large(stream: Stream) -> None:
    request = discovery.DeltaDiscoveryRequest(
        node=node("hostile"), type_url=TypeUrl.CLUSTER, response_nonce="n" * (64 * _MIB)
    )
    await stream.call.write(bytes(request))
    await stream.is_served()


def large_requests_in_a_small_space(target: Target) -> str:
    """Requests of hundreds of MiB, compressed to a thousandth."""

    async def tell() -> str:
        async with target.aio_channel(grpc.Compression.Gzip) as channel:
            return await outcome(channel, "hostile", _large)

    for _ in range(3):
        found = asyncio.run(tell())
    return found


def long_type_urls(target: Target) -> str:
    """Type URLs as long as requests may be, on stream after stream."""

    async def story(stream: Stream) -> None:
        await stream.say("type.googleapis.com/" + "T" * (3 * _MIB))
        await stream.is_served()

    for _ in range(100):
        found = told(target, story)
    return found


def long_node_ids(target: Target) -> str:
    """Node ids as long as requests may be, on stream after stream."""

    async def story(stream: Stream) -> None:
        long = Stream("N" * (3 * _MIB), stream.call)
        await long.say(TypeUrl.CLUSTER)
        await stream.is_served()

    for _ in range(20):
        found = told(target, story)
    return found


def all_at_once(target: Target) -> str:
    """Many streams that name all that they may, each other names, at the same time."""

    async def story(stream: Stream) -> None:
        await stream.exchange(TypeUrl.ENDPOINT, *_names(_ALLOWED, f"{stream.name}-"))

    return asyncio.run(together(target, story, 20))


def _names(count: int, prefix: str = "") -> list[str]:
    return [f"hostile-{prefix}{number}" for number in range(count)]
