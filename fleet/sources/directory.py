"""A source that watches a fleet in a directory of manifests.

An event of the file system only triggers a new scan; the scan compares contents to find what has
changed. One task runs all scans, in a thread. So two scans never overlap, and a cancelled
`refresh` leaves no scan half done.
"""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from threading import Event as StopSign
from typing import Final

# This is watchfiles' documented Rust backend, which watches from the moment when it is made. With
# `awatch`, which begins later, a change between the first scan and the first wait would be missed.
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from fleet.events import Emit
from fleet.kinds import Kinds
from fleet.ref import Ref
from fleet.sources.tree import Tree

log = logging.getLogger(__name__)

_SETTLE: Final = 50
"""Milliseconds after a first event in which further events are gathered."""

_STEP: Final = 5
"""Milliseconds without an event after which the gathered events are reported."""

_AGAIN: Final = 5000
"""Milliseconds after which files are scanned without an event: network file systems send none."""

_RETRY: Final = 1.0
"""Seconds until a directory that cannot be watched is tried again."""


class DirectorySource:
    """The source for the hub and all members of a directory fleet.

    `run` raises NoFleetError if the directory is no fleet.
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
        """How many objects the manifests have of each kind that is not read."""
        return self._tree.unused

    async def run(self, emit: Emit) -> None:
        """Emit every object, then every change, until cancelled."""
        await asyncio.to_thread(self._tree.check)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            try:
                await self._scan_when_asked(emit)
            finally:
                for waiting in self._waiting:
                    waiting.cancel()

    async def refresh(self) -> None:
        """Return when a scan that began after the call has been emitted; waits for `run` to run."""
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
            stop.set()  # otherwise the thread that waits for events would go on

    def _unwatched(self, why: str) -> None:
        """Log why the directory cannot be watched, unless the last failure had the same reason."""
        if why != self._why:
            log.warning("cannot watch %s, reading it again and again: %s", self._root, why)
        self._why = why

    async def _follow(self, stop: StopSign) -> None:
        """Watch the directory until another one has taken its place."""
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
    """An ID that differs if another directory takes this one's place, also behind a link."""
    status = directory.stat()
    return status.st_dev, status.st_ino
