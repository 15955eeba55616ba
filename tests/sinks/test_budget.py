"""A burst is written at once, then some a second; the log reports the wait once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fleet.sinks.budget import Budget
from tests.support.clock import Clock


def budgeted(script: Callable[[Budget, Clock], Awaitable[None]]) -> None:
    """Run with a budget of 10 at once and 1024 a second, whose times are exact in binary."""

    async def run() -> None:
        clock = Clock()
        async with asyncio.timeout(20):
            await script(Budget("events", 10, 1024.0, clock), clock)

    asyncio.run(run())


async def _take(budget: Budget, times: int) -> None:
    for _ in range(times):
        await budget.take()


async def _some_turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_burst_waits_for_nothing() -> None:
    async def script(budget: Budget, _: Clock) -> None:
        taking = asyncio.create_task(_take(budget, 10))
        await asyncio.sleep(0)
        assert taking.done()

    budgeted(script)


def test_what_is_beyond_it_waits_until_time_has_passed(caplog: pytest.LogCaptureFixture) -> None:
    async def script(budget: Budget, clock: Clock) -> None:
        await _take(budget, 10)
        waiting = asyncio.create_task(_take(budget, 3))
        await _some_turns()
        assert not waiting.done()
        clock.now += 2 / 1024
        await _some_turns()
        assert not waiting.done()
        clock.now += 1 / 1024
        await waiting

    budgeted(script)
    assert caplog.messages == [
        "events wait: 10 at once are enough for an API server, the others follow at 1024 a second"
    ]


def test_the_log_hears_when_it_is_over_and_when_it_begins_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(budget: Budget, clock: Clock) -> None:
        for _ in range(2):
            clock.now += 60
            await _take(budget, 10)
            waiting = asyncio.create_task(budget.take())
            await asyncio.sleep(0)
            clock.now += 60
            await waiting

    budgeted(script)
    words = [message.partition(":")[0] for message in caplog.messages]
    assert words == ["events wait", "events wait no longer"] * 2


def test_nothing_is_saved_up_beyond_the_burst() -> None:
    async def script(budget: Budget, clock: Clock) -> None:
        clock.now += 3600
        await _take(budget, 10)
        waiting = asyncio.create_task(budget.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    budgeted(script)
