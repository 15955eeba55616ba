"""Attacks by what a client answers, or does not: refusals without end, and no reading at all."""

import asyncio
from typing import Final

from tests.hostile.stream import ALIVE, Stream, outcome, told
from tests.hostile.target import Target
from xds.resource import TypeUrl

_MIB: Final = 1 << 20


def refusals_without_end(target: Target) -> str:
    """Refuse what was sent with a new long message each time, and have it sent again."""

    async def story(stream: Stream) -> None:
        await stream.say(TypeUrl.LISTENER)
        response = await stream.hear()
        for number in range(300):
            error = f"\n{number}\x1b[31m" + "E" * _MIB
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


def many_streams_of_one_connection(target: Target) -> str:
    """Thousands of streams on one connection, each of which asks for everything."""

    async def story(stream: Stream) -> None:
        await stream.say(TypeUrl.CLUSTER)
        await stream.hear()

    async def attack() -> str:
        async with target.aio_channel() as channel:
            told = (outcome(channel, f"hostile-{number}", story) for number in range(3000))
            found = await asyncio.gather(*told)
        return next((each for each in found if each != ALIVE), ALIVE)

    return asyncio.run(attack())


def nobody_reads(target: Target) -> str:
    """Have megabytes sent on many streams, and read none of them."""

    async def story(stream: Stream) -> None:
        for part in range(20):
            names = [f"hostile-{'n' * 40}-{part}-{number}" for number in range(20_000)]
            await stream.say(TypeUrl.ENDPOINT, names=names)
        await stream.call.done_writing()
        await stream.call.wait_for_connection()
        await asyncio.sleep(5)

    async def attack() -> str:
        async with target.aio_channel() as channel:
            told = (outcome(channel, f"hostile-{number}", story) for number in range(30))
            found = await asyncio.gather(*told)
        return found[0]

    return asyncio.run(attack())
