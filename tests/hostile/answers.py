"""Attacks by what a client answers, or does not: refusals without end, and no reading at all."""

import asyncio
from typing import Final

from tests.hostile.stream import ALIVE, Stream, outcome, together, told, worst
from tests.hostile.target import Target
from xds.resource import TypeUrl

_LONG: Final = 200_000
_CONNECTIONS: Final = 10
_STREAMS: Final = 100


def refusals_without_end(target: Target) -> str:
    """Refuse what was sent with a new long message each time, and have it sent again."""

    async def story(stream: Stream) -> None:
        await stream.say(TypeUrl.LISTENER)
        response = await stream.hear()
        for number in range(100):
            error = f"\n{number}\x1b[31m" + "E" * _LONG
            await stream.say(TypeUrl.LISTENER, nonce=response.nonce, error=error)
            await stream.say(TypeUrl.LISTENER, names=[f"name-{number}"])
            response = await stream.hear()
        await stream.is_served()

    return told(target, story)


def tiny_requests_without_end(target: Target) -> str:
    """Tens of thousands of requests that say next to nothing, as fast as they go."""

    async def story(stream: Stream) -> None:
        for number in range(30_000):
            await stream.say(TypeUrl.CLUSTER, nonce=str(number), error="no")
        await stream.is_served()

    return told(target, story)


def many_streams(target: Target) -> str:
    """Thousands of streams, a hundred on each connection, that ask for everything and stay."""

    async def attack() -> str:
        heard = 0
        all_heard = asyncio.Event()

        async def story(stream: Stream) -> None:
            nonlocal heard
            await stream.say(TypeUrl.CLUSTER)
            await stream.hear()
            heard += 1
            if heard == _CONNECTIONS * _STREAMS:
                all_heard.set()
            await all_heard.wait()

        tellings = (together(target, story, _STREAMS) for _ in range(_CONNECTIONS))
        return worst(await asyncio.gather(*tellings))

    return asyncio.run(attack())


def streams_beyond_those_allowed(target: Target) -> str:
    """Thousands of streams on one connection."""

    async def story(stream: Stream) -> None:
        await stream.say(TypeUrl.CLUSTER)
        await stream.hear()

    return asyncio.run(together(target, story, _CONNECTIONS * _STREAMS))


def streams_that_come_and_go(target: Target) -> str:
    """Begin streams and break them off, as fast as they go."""

    async def story(stream: Stream) -> None:
        await stream.say(TypeUrl.CLUSTER)

    async def attack() -> str:
        async with target.aio_channel() as channel:
            for number in range(100):
                tellings = (outcome(channel, f"{number}-{n}", story) for n in range(_STREAMS // 2))
                await asyncio.gather(*tellings)
        return ALIVE

    asyncio.run(attack())
    return told(target, Stream.is_served)


def nobody_reads(target: Target) -> str:
    """Have megabytes sent on many streams, and read none of them."""

    async def story(stream: Stream) -> None:
        for part in range(20):
            names = [f"hostile-{'n' * 40}-{part}-{number}" for number in range(2000)]
            await stream.say(TypeUrl.ENDPOINT, names=names)

    return asyncio.run(together(target, story, 30))
