"""The streams of a server that retires end one by one."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from xds.listening import OpenStreams


def test_each_ends_at_another_moment_within_the_time() -> None:
    async def story() -> None:
        streams = OpenStreams()
        async with AsyncExitStack() as stack:
            open_ = [await stack.enter_async_context(streams.entered()) for _ in range(100)]
            assert {life.when() for life in open_} == {None}
            now = asyncio.get_running_loop().time()
            streams.end(timedelta(hours=1))
            moments = [life.when() or 0 for life in open_]
            assert now <= min(moments) < now + 900
            assert now + 2700 < max(moments) <= now + 3601
            assert len(set(moments)) == 100

    asyncio.run(story())


def test_one_that_comes_when_time_is_over_ends_at_once() -> None:
    async def story() -> None:
        streams = OpenStreams()
        streams.end(timedelta())
        with pytest.raises(TimeoutError):
            async with streams.entered():
                await asyncio.get_running_loop().create_future()

    asyncio.run(story())


def test_one_that_is_over_is_forgotten() -> None:
    async def story() -> None:
        streams = OpenStreams()
        async with streams.entered() as life:
            pass
        streams.end(timedelta())
        assert life.when() is None

    asyncio.run(story())
