"""One collection kept up to date: what client-go calls a reflector.

    load ──▶ watch ──(410, a garbled line, somebody asks for a refresh)──▶ load
     ▲         │ └─(the stream ends, or says nothing)──▶ watch, from where it stood
     └─ pause ─┘(no answer, a refusal, too much)

A load says all that is there, so what vanished while nobody watched is seen. Nothing else is
assumed of positions than that a watch goes on from them.
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
"""A watch is asked to end in this time, and then opened again from where it stood."""

_BRIEF: Final = 1.0
"""Seconds within which a watch without a line ends only if something is wrong."""

_GONE: Final = 410

_DENIALS: Final = 3
"""So often in a row a server denies what may be denied before it is believed."""


class Content(Protocol):
    """What is made of a collection."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held of it."""
        ...

    async def load(self, server: ApiServer) -> str:
        """Read all that is there; the position that a watch goes on from.

        Raises Refusal and Unreached.
        """
        ...

    def change(self, change: Change) -> None:
        """Take in what has become of one object. Raises OverFull."""
        ...


class OverFull(Exception):
    """A collection holds more than is taken; the text says how much that is."""


@dataclass(slots=True)
class _View:
    """One request to watch, and how it went."""

    position: str
    opened: float = math.inf
    said_something: bool = False
    is_gone: bool = False

    @property
    def lasted(self) -> bool:
        """Whether it was of any use."""
        now = asyncio.get_running_loop().time()
        return self.said_something or now - self.opened > _BRIEF


class Reflector:
    """Keeps a content up to date while `run` runs.

    `trouble` says why it cannot, "" while it can, and `outage` of which class that is; `is_cut_off`
    is whether there is no answer that could be used. `listed` is whether it ever could, `loads` how
    often it has begun to read all there is.
    `on_standing` is called when one of them turns.

    With `on_denied`, everything else goes on where RBAC does not permit the collection: once it is
    clear that it does not, that is called with the reason, and the collection counts as listed. It
    gives the seconds to wait at least before the collection is asked for again, and is called with
    "" when it is permitted again.
    """

    def __init__(
        self,
        collection: Listable,
        content: Content,
        on_standing: Callable[[], None],
        on_denied: Callable[[str], float] | None = None,
    ) -> None:
        self.collection = collection
        self.listed = False
        self.trouble = ""
        self.outage = Outage.OTHER
        self.is_cut_off = False
        self.loads = 0
        self._content = content
        self._on_standing = on_standing
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
        """Follow the collection. Raises Unauthorized; it can run again with other credentials."""
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
        """Return after a load that began after the call, or failed."""
        wanted = self._begun + 1
        self.wake()
        while self._ended < wanted:
            await self._turn.wait()

    def wake(self) -> None:
        """Load again now."""
        self._wake.set()
        self._end_watch()

    def lose(self, error: Unreached) -> None:
        """Give a watch up whose server was found not to answer."""
        self._lost = error
        self._end_watch()

    def fail(self, trouble: str, outage: Outage) -> None:
        """There is no server to ask."""
        self._begun += 1
        self._end(self._begun, trouble, outage)

    def retire(self) -> None:
        """Keep nobody waiting: it will not run again."""
        self._ended = sys.maxsize
        self._turn.set()

    def _end_watch(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:  # it can be ended once
            watching.reschedule(asyncio.get_running_loop().time())

    async def _load_and_watch(self, server: ApiServer) -> float | None:
        """One round; seconds to wait at least before the next, None for none at all."""
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
        """Watch until a load is needed, or asked for."""
        self._lost = None
        try:
            async with asyncio.timeout(None) as self._watching:
                if self._wake.is_set():  # while the load was under way
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
        """Watch from a position on, until the server no longer knows where that was."""
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
                why = f"the watch of {self.collection} ended: {server.told(str(e))}"
                raise Refusal(f"{server.server}: {why}") from e
            except Excess:
                raise
            except Unreached:
                # Connections are cut now and then; a server is lost when it cannot be asked again.
                if is_suspect and not view.lasted:
                    raise
                is_suspect = True
            else:
                if view.is_gone or not view.lasted:
                    return
                is_suspect = False
            position = view.position

    async def _view(self, server: ApiServer, view: "_View") -> None:
        """Watch once."""
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
        """Without its definition, a kind has no objects; soon it may have.

        A server that just starts may not know the definition yet: what is held is not taken for
        gone. Who removes a definition removes the objects first.
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
        """RBAC permits the collection, again or still."""
        if self._denials >= _DENIALS and self._on_denied is not None:
            self._on_denied("")
        self._denials = 0

    def _miss_rights(
        self, number: int, error: Forbidden, on_denied: Callable[[str], float]
    ) -> float:
        """A server that just starts denies what it permits a moment later."""
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
        """A load is over, or what it said no longer holds."""
        turned = trouble != self.trouble or (not trouble and not self.listed)
        self.trouble = trouble
        self.outage = outage
        self.is_cut_off = is_cut_off
        self.listed = self.listed or not trouble
        if turned:
            self._on_standing()
        self._done(number)

    def _done(self, number: int) -> None:
        self._ended = max(self._ended, number)
        self._turn.set()
        self._turn = asyncio.Event()
