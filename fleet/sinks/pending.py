"""Keys that wait for a worker, each at most once.

Changes of a key that waits are merged: the worker reads the key's newest value when its turn comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Pending(Generic[K]):
    """Keys that wait, each at most once. No two workers work on a key at the same time."""

    def __init__(self) -> None:
        self._waiting: dict[K, None] = {}
        self._busy: set[K] = set()
        # It counts the keys that wait and that no worker has; each of them wakes one worker.
        self._free = asyncio.Semaphore(0)

    def __len__(self) -> int:
        """How many keys wait."""
        return len(self._waiting)

    def add(self, keys: Iterable[K]) -> None:
        """Add keys. A key that a worker has at the moment comes again afterwards."""
        for key in keys:
            if key not in self._waiting:
                self._waiting[key] = None
                if key not in self._busy:
                    self._free.release()

    async def work(self, do: Callable[[K], Awaitable[None]], workers: int) -> None:
        """Call `do` for each key until cancelled, for up to `workers` keys at a time.

        An error of `do` ends all workers. The key of a worker that was cancelled waits again.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker(do))

    async def _worker(self, do: Callable[[K], Awaitable[None]]) -> None:
        while True:
            await self._free.acquire()
            # This skips at most as many keys as there are workers.
            key = next(key for key in self._waiting if key not in self._busy)
            del self._waiting[key]
            self._busy.add(key)
            try:
                await do(key)
            except BaseException:  # also for a cancellation
                self.add([key])
                raise
            finally:
                self._busy.discard(key)
                if key in self._waiting:
                    self._free.release()
