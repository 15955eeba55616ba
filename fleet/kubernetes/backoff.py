"""How long to wait before something is tried again."""

import asyncio
from typing import Final

from tenacity import RetryCallState, Retrying, wait_random_exponential

LOST: Final = 10.0
"""At most so many seconds pass before a server that is lost is tried again."""

CALM: Final = 20.0
"""The same for a kind that the server does not know: nobody waits for it."""

SPARING: Final = 600.0
"""The same for a server that sends more than is taken: each attempt takes that much again."""

LASTED: Final = 30.0
"""Seconds of peace after which earlier failures are forgotten."""


class Backoff:
    """Times between attempts: up to `first` seconds, then longer, random within the range.

    So many members that one cable cut off do not come back at the same moment.
    """

    def __init__(self, longest: float = LOST, first: float = 0.5) -> None:
        self._wait = wait_random_exponential(multiplier=first, max=longest)
        self.reset()

    def reset(self) -> None:
        """Start over, after a success that lasted."""
        self._state = RetryCallState(Retrying(), None, (), {})

    def next(self) -> float:
        """Seconds to wait now."""
        seconds = self._wait(self._state)
        self._state.attempt_number += 1
        return seconds


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but no longer than this."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
