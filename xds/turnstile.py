"""Dear work of many streams, one piece at a time, and everybody else is served between.

A piece of work is a request that is read or a response that is made. It runs without a pause, so
that others wait for as long as it takes: tens of milliseconds where a client names tens of
thousands of resources. Where a hundred clients do that at once, others wait for one of them.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from time import perf_counter
from typing import Final, TypeVar

T = TypeVar("T")

DEAR: Final = 0.005
"""Seconds from which on a piece of work is dear."""

LONG: Final = 0.02
"""Seconds from which on it is followed by a rest of the same length."""

LARGE: Final = 512 << 10
"""Bytes of a request from which on it is taken for dear before it is read."""


class Turnstile:
    """Lets one piece of dear work pass at a time, with a round of the event loop after each."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self.clock = clock
        self._one = asyncio.Lock()

    async def let(self, work: Callable[[], T], lock: asyncio.Lock | None = None) -> T:
        """Do work when its turn has come, with `lock` held. Raises what the work raises."""
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
    """The work of one stream: dear are large requests, and all that follows something dear."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._dear = False

    async def do(self, work: Callable[[], T], size: int = 0) -> T:
        """Do a piece of work, at once unless it is likely to be dear; `size` is in bytes."""

        def measured() -> T:
            began = self._turnstile.clock()
            try:
                return work()
            finally:
                self._dear = self._turnstile.clock() - began > DEAR

        return await self._turnstile.let(measured) if self._dear or size > LARGE else measured()
