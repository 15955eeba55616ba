"""The streams of a server that leaves end one by one."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from xds.listening import Lives


def test_each_ends_at_another_moment_within_the_time() -> None:
    async def story() -> None:
        lives = Lives()
        async with AsyncExitStack() as stack:
            open_ = [await stack.enter_async_context(lives.life()) for _ in range(100)]
            assert {life.when() for life in open_} == {None}
            now = asyncio.get_running_loop().time()
            lives.end(timedelta(hours=1))
            moments = [life.when() or 0 for life in open_]
            assert now <= min(moments) < now + 900
            assert now + 2700 < max(moments) <= now + 3601
            assert len(set(moments)) == 100

    asyncio.run(story())


def test_one_that_comes_when_time_is_over_ends_at_once() -> None:
    async def story() -> None:
        lives = Lives()
        lives.end(timedelta())
        with pytest.raises(TimeoutError):
            async with lives.life():
                await asyncio.get_running_loop().create_future()

    asyncio.run(story())


def test_one_that_is_over_is_forgotten() -> None:
    async def story() -> None:
        lives = Lives()
        async with lives.life() as life:
            pass
        lives.end(timedelta())
        assert life.when() is None

    asyncio.run(story())
