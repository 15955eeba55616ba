"""A fleet in a directory, watched live.

An event of the file system says that something has happened, not what: every event is taken as
"read again", and content is compared. Reading happens in a thread.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from watchfiles import awatch

from fleet.events import Emit
from fleet.ref import Ref
from fleet.sources.tree import Tree

_SETTLE = 50
"""Milliseconds in which further events join the first."""

_AGAIN = 5000
"""Milliseconds after which files are looked at without an event: some file systems send none."""


class DirectorySource:
    """Speaks for the hub and all members of a directory fleet.

    Raises NoFleetError, from `run` and `refresh`, where the directory is none.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tree = Tree(root)
        self._scanning = asyncio.Lock()
        self._emit: Emit | None = None

    def file_of(self, ref: Ref) -> str:
        """The file that an object was read from, relative to the fleet's directory."""
        return self._tree.file_of(ref)

    @property
    def unused(self) -> Mapping[str, int]:
        """How many objects of kinds that are not needed were seen."""
        return self._tree.unused

    async def run(self, emit: Emit) -> None:
        """Say everything, then every change, until cancelled."""
        self._tree.check()
        self._emit = emit
        await self.refresh()
        watch = awatch(
            self._root, debounce=_SETTLE, step=5, rust_timeout=_AGAIN, yield_on_timeout=True
        )
        async for _ in watch:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the files again; what was there at the time of the call has been emitted then."""
        async with self._scanning:
            events = await asyncio.to_thread(self._tree.scan)
            if events and self._emit:
                self._emit(events)
