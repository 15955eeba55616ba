"""Keeps one collection up to date by lists and watches, as a reflector of client-go does.

    load ──▶ watch ──(410, a garbled line, a call of `refresh`)──▶ load
     ▲         │ └─(the stream ends, or is silent)──▶ watch, from its last position
     └─ pause ─┘(no answer, a refusal, too much)

A load reads all objects, so it also finds that objects were deleted while there was no watch. The
only assumption about positions is that a watch can go on from one.
"""

import asyncio
import logging
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Never, Protocol

from fleet.kubernetes.backoff import CALM, LASTED, SPARING, Backoff, wait_for
from fleet.kubernetes.collection import (
    Forbidden,
    Listable,
    NotServed,
    Refusal,
    Unauthorized,
    refusal,
)
from fleet.kubernetes.connection import ApiServer, Excess, Reply, Unreached
from fleet.kubernetes.intake import Lines
from fleet.kubernetes.watch import Change, ChangeType, GarbledLine, WatchError, read_change
from fleet.outage import Outage

log = logging.getLogger(__name__)

_WATCH_SECONDS: Final = (240, 300)
"""The server is asked to end a watch after a random time in this range, in seconds.

The watch is then opened again from its last position.
"""

_BRIEF: Final = 1.0
"""Seconds: a watch that ends earlier, without a line, has failed."""

_GONE: Final = 410

_DENIALS: Final = 3
"""Denials in a row after which a denial by RBAC is believed, with `on_denied`."""


class Content(Protocol):
    """The objects of a collection, in the form in which they are kept."""

    @property
    def is_empty(self) -> bool:
        """Whether no object is kept."""
        ...

    async def load(self, server: ApiServer) -> str:
        """Read all objects, and give the position from which a watch goes on.

        Raises Refusal, Unreached and OverFull.
        """
        ...

    def change(self, change: Change) -> None:
        """Take in a change of one object. Raises OverFull."""
        ...


class OverFull(Exception):
    """A collection has more objects, or more mistakes, than permitted; the text says how many."""


@dataclass(slots=True)
class _View:
    """One request to watch, and how it went."""

    position: str
    opened: float = math.inf
    said_something: bool = False
    is_gone: bool = False

    @property
    def lasted(self) -> bool:
        """Whether a line came, or the watch was open for longer than _BRIEF."""
        now = asyncio.get_running_loop().time()
        return self.said_something or now - self.opened > _BRIEF


class Reflector:
    """Keeps a content up to date while `run` runs.

    `trouble` says why the collection cannot be read, and is "" while it can; `outage` is the class
    of that reason. `is_cut_off` is whether there is no usable answer. `listed` is whether a load
    has ever succeeded, `loads` is the number of loads that have begun. `on_state` is called when
    `trouble` or `listed` changes.

    With `on_denied`, it is no trouble if RBAC does not permit the collection. After some denials in
    a row, `on_denied` is called with the reason, and the collection counts as listed. It returns
    the least number of seconds until the next attempt. It is called with "" when RBAC permits the
    collection again.
    """

    def __init__(
        self,
        collection: Listable,
        content: Content,
        on_state: Callable[[], None],
        on_denied: Callable[[str], float] | None = None,
    ) -> None:
        self.collection = collection
        self.listed = False
        self.trouble = ""
        self.outage = Outage.OTHER
        self.is_cut_off = False
        self.loads = 0
        self._content = content
        self._on_state = on_state
        self._on_denied = on_denied
        self._denials = 0
        self._backoff = Backoff()
        self._calm = Backoff(CALM)
        self._sparing = Backoff(SPARING, first=10.0)
        self._begun = 0
        self._ended = 0
        self._turn = asyncio.Event()
        self._wake = asyncio.Event()
        self._watching: asyncio.Timeout | None = None
        self._lost: Unreached | None = None
        self._is_missing = False

    async def run(self, server: ApiServer) -> Never:
        """Follow the collection. Raises Unauthorized, and then can run again with a new client."""
        while True:
            started = asyncio.get_running_loop().time()
            pause = await self._load_and_watch(server)
            lasted = asyncio.get_running_loop().time() - started
            if lasted > LASTED:
                self._backoff.reset()
            if lasted > SPARING:
                self._sparing.reset()
            if pause is not None:
                await wait_for(self._wake, pause + self._backoff.next())

    async def refresh(self) -> None:
        """Start a load, and return when a load that began after the call has ended or failed."""
        wanted = self._begun + 1
        self.wake()
        while self._ended < wanted:
            await self._turn.wait()

    def wake(self) -> None:
        """Load again at once."""
        self._wake.set()
        self._end_watch()

    def lose(self, error: Unreached) -> None:
        """End the watch, since the server was found not to answer."""
        self._lost = error
        self._end_watch()

    def fail(self, trouble: str, outage: Outage) -> None:
        """Note that no client can be made, which counts as a load that failed."""
        self._begun += 1
        self._end(self._begun, trouble, outage)

    def retire(self) -> None:
        """End all calls of `refresh`, since `run` will not run again."""
        self._ended = sys.maxsize
        self._turn.set()

    def _end_watch(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:  # a timeout can be rescheduled only until it has ended
            watching.reschedule(asyncio.get_running_loop().time())

    async def _load_and_watch(self, server: ApiServer) -> float | None:
        """Load once, and watch. Gives the least seconds until the next load, None for at once."""
        self._wake.clear()
        self._begun += 1
        number = self._begun
        self.loads += 1
        try:
            position = await self._content.load(server)
            self._is_missing = False
            self._end(number, "")
            return await self._watch(server, position)
        except NotServed as e:
            return self._miss(number, e)
        except Refusal as e:
            if isinstance(e, Forbidden) and self._on_denied is not None:
                return self._miss_rights(number, e, self._on_denied)
            self._end(number, str(e), e.outage)
            if isinstance(e, Unauthorized):
                raise
            return e.retry_after
        except OverFull as e:
            self._end(number, f"{server.server}: {e}", Outage.EXCESS, is_cut_off=True)
            return self._sparing.next()
        except Unreached as e:
            self._end(number, str(e), e.outage, is_cut_off=True)
            return self._sparing.next() if isinstance(e, Excess) else 0

    async def _watch(self, server: ApiServer, position: str) -> float | None:
        """Watch until a load is needed, or was asked for, which gives None."""
        self._lost = None
        try:
            async with asyncio.timeout(None) as self._watching:
                if self._wake.is_set():  # `wake` was called during the load
                    return None
                await self._follow(server, position)
        except TimeoutError:
            if self._lost is not None:
                raise self._lost from None
            return None  # `wake` has ended it
        finally:
            self._watching = None
        return 0

    async def _follow(self, server: ApiServer, position: str) -> None:
        """Watch from a position on, again and again, until the server has forgotten a position."""
        is_suspect = False
        while True:
            view = _View(position)
            try:
                await self._view(server, view)
            except GarbledLine as e:
                log.warning("%s: %s, reading %s again", server.server, e, self.collection)
                return
            except WatchError as e:
                if e.code == _GONE:
                    return
                why = f"the watch of {self.collection} ended: {server.redacted(str(e))}"
                raise Refusal(f"{server.server}: {why}") from e
            except Excess:
                raise
            except Unreached:
                # A single failure may be a cut connection. The server counts as lost if the next
                # watch fails too.
                if is_suspect and not view.lasted:
                    raise
                is_suspect = True
            else:
                if view.is_gone or not view.lasted:
                    return
                is_suspect = False
            position = view.position

    async def _view(self, server: ApiServer, view: "_View") -> None:
        """Open one watch, and take in its lines until it ends."""
        query = [
            *self.collection.query,
            ("resourceVersion", view.position),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(random.randint(*_WATCH_SECONDS))),  # noqa: S311 (no secret)
        ]
        async with server.watch(self.collection.path, query) as (status, lines):
            if status == _GONE:
                view.is_gone = True
                return
            if status != 200:
                raise await self._refusal(server, status, lines)
            view.opened = asyncio.get_running_loop().time()
            self._permit()
            async for line in lines:
                change = read_change(line)
                if change.type is not ChangeType.BOOKMARK:
                    self._content.change(change)
                view.position = change.position
                view.said_something = True

    async def _refusal(self, server: ApiServer, status: int, lines: Lines) -> Refusal:
        body = b"".join([line async for line in lines])
        return refusal(server, self.collection, "watch", Reply(status, body))

    def _miss(self, number: int, error: NotServed) -> float:
        """Note that the server does not know the kind, and give the seconds until the next load.

        A kind without a definition has no objects, so the collection counts as listed and empty. If
        objects were read before, this is trouble instead: a server that has just started may not
        know the definition yet. When a definition is removed, its objects are removed first.
        """
        if not self._content.is_empty:
            self._end(number, str(error), error.outage)
            return 0
        if not self._is_missing:
            log.info("%s; taken for none until it does", error)
        self._is_missing = True
        self._end(number, "")
        return self._calm.next()

    def _permit(self) -> None:
        """Note that RBAC permits the collection."""
        if self._denials >= _DENIALS and self._on_denied is not None:
            self._on_denied("")
        self._denials = 0

    def _miss_rights(
        self, number: int, error: Forbidden, on_denied: Callable[[str], float]
    ) -> float:
        """Note that RBAC denies the collection, and give the seconds until the next load.

        A server that has just started may deny what it permits a moment later, so the first denials
        have no effect.
        """
        self._denials += 1
        if self._denials < _DENIALS:
            self._done(number)
            return 0
        pause = on_denied(str(error))
        self._end(number, "")
        return pause + self._calm.next()

    def _end(
        self,
        number: int,
        trouble: str,
        outage: Outage = Outage.OTHER,
        *,
        is_cut_off: bool = False,
    ) -> None:
        """Note that a load has ended, with this trouble if any, or that the watch after it has."""
        turned = trouble != self.trouble or (not trouble and not self.listed)
        self.trouble = trouble
        self.outage = outage
        self.is_cut_off = is_cut_off
        self.listed = self.listed or not trouble
        if turned:
            self._on_state()
        self._done(number)

    def _done(self, number: int) -> None:
        self._ended = max(self._ended, number)
        self._turn.set()
        self._turn = asyncio.Event()
