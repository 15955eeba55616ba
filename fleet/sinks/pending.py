"""Work that waits, by key instead of in a queue.

What changes while it waits merges: the worker looks at the newest value when it comes to the key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Pending(Generic[K]):
    """Keys that wait, each at most once, and that no two workers have at a time."""

    def __init__(self) -> None:
        self._waiting: dict[K, None] = {}
        self._busy: set[K] = set()
        self._free = asyncio.Semaphore(0)  # as many as wait and nobody has: each wakes one worker

    def __len__(self) -> int:
        """How many keys wait that nobody works on."""
        return len(self._waiting)

    def add(self, keys: Iterable[K]) -> None:
        """Have the keys worked on; one that is being worked on comes again afterwards."""
        for key in keys:
            if key not in self._waiting:
                self._waiting[key] = None
                if key not in self._busy:
                    self._free.release()

    async def work(self, do: Callable[[K], Awaitable[None]], workers: int) -> None:
        """Work until cancelled, on so many keys at a time.

        What `do` raises ends all of it; the key of a worker that was stopped waits again.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker(do))

    async def _worker(self, do: Callable[[K], Awaitable[None]]) -> None:
        while True:
            await self._free.acquire()
            # At most as many are skipped as there are workers.
            key = next(key for key in self._waiting if key not in self._busy)
            del self._waiting[key]
            self._busy.add(key)
            try:
                await do(key)
            except BaseException:  # a cancellation too
                self.add([key])
                raise
            finally:
                self._busy.discard(key)
                if key in self._waiting:
                    self._free.release()
