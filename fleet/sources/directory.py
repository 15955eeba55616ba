"""A fleet in a directory, watched live.

An event of the file system says that something has happened, not what: every event is taken as
"read again", and content is compared. One task scans, in a thread, so that no two scans meet and no
cancelled caller leaves one half done; whoever wants a scan asks that task for it.
"""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Event as StopSign
from typing import Final

# The documented Rust backend of watchfiles: unlike `awatch`, it watches from the moment it is made,
# so nothing is missed between the first scan and the first wait.
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from fleet.events import Emit
from fleet.kinds import Kinds
from fleet.ref import Ref
from fleet.sources.tree import Tree

log = logging.getLogger(__name__)

_SETTLE: Final = 50
"""Milliseconds in which further events join the first."""

_STEP: Final = 5
"""Milliseconds without an event after which the events so far are reported."""

_AGAIN: Final = 5000
"""Milliseconds after which files are looked at without an event: network file systems send none."""

_RETRY: Final = 1.0
"""Seconds after which a directory that cannot be watched is looked at again."""


class DirectorySource:
    """Speaks for the hub and all members of a directory fleet.

    `run` raises NoFleetError where the directory is none.
    """

    def __init__(self, root: Path, kinds: Kinds) -> None:
        self._root = root
        self._tree = Tree(root, kinds)
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._why = ""

    def file_of(self, ref: Ref) -> str:
        """The file that an object was read from, relative to the fleet's directory."""
        return self._tree.file_of(ref)

    @property
    def unused(self) -> Mapping[str, int]:
        """How many objects of each kind that is not needed were seen."""
        return self._tree.unused

    async def run(self, emit: Emit) -> None:
        """Say everything, then every change, until cancelled."""
        await asyncio.to_thread(self._tree.check)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            try:
                await self._scan_when_asked(emit)
            finally:
                for waiting in self._waiting:
                    waiting.cancel()

    async def refresh(self) -> None:
        """Have the files read again; what was there at the time of the call has been emitted then.

        Waits until `run` runs.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._wake.set()
        await done

    async def _scan_when_asked(self, emit: Emit) -> None:
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            asked = len(self._waiting)
            if events := await asyncio.to_thread(self._tree.scan):
                emit(events)
            for waiting in self._waiting[:asked]:
                if not waiting.done():
                    waiting.set_result(None)
            del self._waiting[:asked]

    async def _watch(self) -> None:
        """Ask for a scan whenever something may have changed."""
        stop = StopSign()
        try:
            while True:
                try:
                    await self._follow(stop)
                except (OSError, WatchfilesRustInternalError) as e:
                    self._unwatched(str(e))
                    await asyncio.sleep(_RETRY)
                self._wake.set()
        finally:
            stop.set()  # else the thread that waits for events would go on

    def _unwatched(self, why: str) -> None:
        """Log why the directory cannot be watched, once for as long as that is so."""
        if why != self._why:
            log.warning("cannot watch %s, reading it again and again: %s", self._root, why)
        self._why = why

    async def _follow(self, stop: StopSign) -> None:
        """Watch the directory that is there now, until it is another one."""
        watched = await asyncio.to_thread(_identity, self._root)
        notify = await asyncio.to_thread(_start_watching, self._root)
        self._why = ""
        while await asyncio.to_thread(_identity, self._root) == watched:
            self._wake.set()
            await asyncio.to_thread(notify.watch, _SETTLE, _STEP, _AGAIN, stop)


def _start_watching(root: Path) -> RustNotify:
    return RustNotify(
        [str(root)],
        debug=False,
        force_polling=False,
        poll_delay_ms=0,
        recursive=True,
        ignore_permission_denied=True,
    )


def _identity(directory: Path) -> tuple[int, int]:
    """Tell a directory from one that has taken its place, also behind a link."""
    status = directory.stat()
    return status.st_dev, status.st_ino
