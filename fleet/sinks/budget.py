"""Bounds how much is written: a burst at once, then a number of writes each second.

A write beyond the budget is not dropped. It waits, and the caller merges it with later changes of
the same object.
"""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Budget:
    """A token bucket, for the event loop's thread. `clock` gives seconds.

    It logs when writes begin to wait and when they wait no longer; `what` is the subject of these
    sentences.
    """

    def __init__(
        self, what: str, burst: int, per_second: float, clock: Callable[[], float]
    ) -> None:
        self._what = what
        self._burst = float(burst)
        self._per_second = per_second
        self._clock = clock
        self._left = self._burst
        self._counted = clock()
        self._is_used_up = False

    async def take(self) -> None:
        """Return when one more write is due."""
        while (missing := 1 - self._count()) > 0:
            if not self._is_used_up:
                self._is_used_up = True
                log.warning(
                    "%s wait: %g at once are enough for an API server, the others follow at %g a "
                    "second",
                    self._what,
                    self._burst,
                    self._per_second,
                )
            await asyncio.sleep(missing / self._per_second)
        self._left -= 1

    def _count(self) -> float:
        """The writes that are left. Logs the end of the waiting once half of the burst is back."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._counted) * self._per_second)
        self._counted = now
        if self._is_used_up and self._left >= self._burst / 2:
            self._is_used_up = False
            log.warning("%s wait no longer", self._what)
        return self._left
