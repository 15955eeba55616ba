"""Expensive work is done one piece at a time, and others are served in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from xds.turnstile import EXPENSIVE, LARGE, Pass, Turnstile


class Clock:
    """A clock that only expensive work moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def expensive(self) -> str:
        self.now += 2 * EXPENSIVE
        return "done"

    def cheap(self) -> str:
        return "done"


@asynccontextmanager
async def occupied(turnstile: Turnstile) -> AsyncIterator[None]:
    """Expensive work that has its turn, and waits for a lock."""
    lock = asyncio.Lock()
    await lock.acquire()
    working = asyncio.create_task(turnstile.let(lambda: None, lock))
    await asyncio.sleep(0)
    yield
    assert not working.done()
    lock.release()
    await working


def test_work_that_is_not_dear_is_done_at_once() -> None:
    async def story() -> None:
        turnstile = Turnstile(clock := Clock())
        async with occupied(turnstile):
            assert await Pass(turnstile).do(clock.cheap) == "done"

    asyncio.run(story())


@pytest.mark.parametrize("known", ["by-its-size", "by-what-came-before"])
def test_between_two_dear_pieces_everybody_else_has_a_turn(known: str) -> None:
    async def story() -> None:
        turnstile, rounds, seen = Turnstile(clock := Clock()), 0, list[int]()

        async def others() -> None:
            nonlocal rounds
            while True:
                rounds += 1
                await asyncio.sleep(0)

        def work() -> None:
            seen.append(rounds)
            clock.expensive()

        passes = [Pass(turnstile) for _ in range(5)]
        if known == "by-what-came-before":
            for each in passes:
                await each.do(clock.expensive)
        other = asyncio.create_task(others())
        size = LARGE + 1 if known == "by-its-size" else 0
        await asyncio.gather(*(each.do(work, size) for each in passes))
        other.cancel()
        assert seen == sorted(set(seen)), "two pieces in one round"

    asyncio.run(story())


def test_a_stream_that_is_cheap_again_passes_at_once() -> None:
    async def story() -> None:
        turnstile = Turnstile(clock := Clock())
        own = Pass(turnstile)
        await own.do(clock.expensive)
        await own.do(clock.cheap)
        async with occupied(turnstile):
            assert await own.do(clock.cheap) == "done"

    asyncio.run(story())


def test_what_the_work_raises_is_raised_and_the_next_one_passes() -> None:
    def fails() -> None:
        raise ValueError("bad")

    async def story() -> None:
        turnstile = Turnstile()
        with pytest.raises(ValueError, match="bad"):
            await Pass(turnstile).do(fails, LARGE + 1)
        assert await Pass(turnstile).do(lambda: "done", LARGE + 1) == "done"

    asyncio.run(story())
