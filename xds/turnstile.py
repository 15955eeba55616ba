"""Expensive work of many streams is done one piece at a time, and others are served in between.

A piece of work is a request that is read or a response that is made. It runs without a pause, so
that everything else waits for it: tens of milliseconds if a client names tens of thousands of
resources. If a hundred clients do that at once, everything else waits for one of them at a time.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from time import perf_counter
from typing import Final, TypeVar

T = TypeVar("T")

EXPENSIVE: Final = 0.005
"""Seconds from which on a piece of work is expensive."""

LONG: Final = 0.02
"""Seconds from which on a piece of work is followed by a rest of the same length."""

LARGE: Final = 512 << 10
"""Bytes from which on a request is taken to be expensive before it is read."""


class Turnstile:
    """Lets one piece of expensive work pass at a time, and the event loop turn after each."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self.clock = clock
        self._one = asyncio.Lock()

    async def let(self, work: Callable[[], T], lock: asyncio.Lock | None = None) -> T:
        """Do a piece of work when its turn has come, with `lock` held. Raises what it raises."""
        async with self._one:
            began = self.clock()
            try:
                async with lock or nullcontext():
                    began = self.clock()
                    return work()
            finally:
                took = self.clock() - began
                await asyncio.sleep(took if took > LONG else 0)


class Pass:
    """The work of one stream.

    Large requests are taken to be expensive, and so is whatever follows an expensive piece.
    """

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._is_expensive = False

    async def do(self, work: Callable[[], T], size: int = 0) -> T:
        """Do a piece of work, at once unless it is likely to be expensive; `size` is in bytes."""

        def measured() -> T:
            began = self._turnstile.clock()
            try:
                return work()
            finally:
                self._is_expensive = self._turnstile.clock() - began > EXPENSIVE

        if self._is_expensive or size > LARGE:
            return await self._turnstile.let(measured)
        return measured()
