"""How much is written in a time: a burst, and what comes back each second.

What is beyond it is not dropped: it waits, and merges with newer news of the same object.
"""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Budget:
    """A token bucket. `what` is what waits, for the log: told when it begins, and when it is over.

    `clock` gives seconds; call it in the event loop's thread.
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
        """Return when one more may be written."""
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
        """What is left now; the log hears when half of the burst is back."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._counted) * self._per_second)
        self._counted = now
        if self._is_used_up and self._left >= self._burst / 2:
            self._is_used_up = False
            log.warning("%s wait no longer", self._what)
        return self._left
