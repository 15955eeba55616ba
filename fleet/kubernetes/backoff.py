"""The time to wait before a failed operation is tried again."""

import asyncio
from typing import Final

from tenacity import RetryCallState, Retrying, wait_random_exponential

LOST: Final = 10.0
"""The longest wait, in seconds, before a server that does not answer is tried again."""

CALM: Final = 20.0
"""The longest wait, in seconds, before a refused request is tried again, which is not urgent.

The server does not know the kind, or RBAC does not permit it.
"""

SPARING: Final = 600.0
"""The longest wait, in seconds, after a server has sent too much: each attempt is costly."""

LASTED: Final = 30.0
"""Seconds without a failure after which earlier failures do not count."""


class Backoff:
    """Times between attempts: random, up to `first` seconds, then up to ever more, up to `longest`.

    They are random so that members that were lost together are not all tried at the same moment.
    """

    def __init__(self, longest: float = LOST, first: float = 0.5) -> None:
        self._wait = wait_random_exponential(multiplier=first, max=longest)
        self.reset()

    def reset(self) -> None:
        """Start over with the shortest time."""
        self._state = RetryCallState(Retrying(), None, (), {})

    def next(self) -> float:
        """The seconds to wait before the next attempt."""
        seconds = self._wait(self._state)
        self._state.attempt_number += 1
        return seconds


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but no longer than some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
