"""A source that stores the objects of its origins on disk, so that a restart loses none of them.

    files ──Upserted──▶ ┌────────────┐
                        │ Remembered │──▶ the stored objects, then the events of the source
    source ──events───▶ └─────┬──────┘
                              └──▶ files (after a change, once an origin has listed)

The stored objects are emitted first. An origin that cannot be reached keeps them, and an object
whose present version is refused keeps its stored version. When an origin lists for the first time,
its stored objects that no longer exist are deleted.

The hub is stored like a member, without its Secrets. So gateways and routes stay as they were while
the hub's API server is away, and an Envoy that joins in this time gets them too.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from fleet.events import (
    Configured,
    Deleted,
    Emit,
    Event,
    Listed,
    Members,
    Refused,
    Source,
    Unreachable,
    Upserted,
)
from fleet.kinds import Kinds
from fleet.member_settings import MemberSettings
from fleet.models import FleetObject
from fleet.ref import HUB, Ref
from fleet.sources import state_file
from fleet.sources.state_file import StoredOrigin, UnusableFileError

log = logging.getLogger(__name__)

_TOUCH: Final = 60.0
"""Seconds after which the unchanged file of an origin that can be read is marked as current."""

_HUB_AWAY: Final = "the hub cannot be reached, which says whether and how this member is read"
_MISSED: Final = "it is gone; what it held stays in force: to forget it, remove"

Recall: TypeAlias = Callable[[Sequence[Event]], Set[str]]
"""Gives the stored objects to a source. The source returns the members that it reads by them."""


class NoStateDirectoryError(Exception):
    """No files can be stored in the directory; the message says why."""


@dataclass(slots=True)
class _Memory:
    """The state of one origin. During a save, `lines` and `written` belong to the save's thread.

    `since` is when the stored objects were current, None for an origin without a file. `unsaid` are
    the stored objects that the source has not confirmed. `spoken_of` is whether an event about the
    origin was emitted, `touched` when its file was last marked as current. `pending` are changes
    that are not in the file yet.
    """

    since: datetime | None = None
    settings: MemberSettings = field(default_factory=MemberSettings)
    unsaid: set[Ref] = field(default_factory=set)
    listed: bool = False
    spoken_of: bool = False
    reachable: bool = False
    touched: float = -math.inf
    pending: dict[Ref, FleetObject | None] = field(default_factory=dict)
    lines: dict[Ref, bytes] = field(default_factory=dict)
    written: MemberSettings | None = None
    is_saved: bool = False
    is_failing: bool = False


class Remembered:
    """Emits the objects stored in `directory`, then the events of `source`.

    A file is written at most once in `pace`, and when `run` ends. A process that is killed loses
    the changes since the last write. With 5000 Services and 5000 EndpointSlices of three Pods each,
    a member's file has 3.7 MB. Reading it takes 0.3 s, at the start; writing it after a change
    takes 8 ms, in a thread.
    """

    def __init__(
        self,
        source: Source,
        directory: Path,
        kinds: Kinds,
        recall: Recall = lambda _: frozenset(),
        *,
        pace: timedelta = timedelta(seconds=1),
    ) -> None:
        self._source = source
        self._kinds = kinds
        self._tell_source = recall
        self._speaking: Set[str] = frozenset()
        self._directory = directory
        self._pace = pace.total_seconds()
        self._memories: dict[str, _Memory] = {}
        self._members: frozenset[str] | None = None
        self._removed: set[str] = set()
        self._news = asyncio.Event()
        self._saving: asyncio.Task[None] | None = None

    def check(self) -> int:
        """Make the directory if it is missing, and give the user ID that owns files made there.

        Raises NoStateDirectoryError if no files can be stored there.
        """
        try:
            return state_file.try_out(self._directory)
        except OSError as e:
            raise NoStateDirectoryError(
                f"nothing can be kept in {self._directory} ({e.strerror or e})"
            ) from e

    async def run(self, emit: Emit) -> None:
        """Emit the stored objects, then the events of the source, until cancelled.

        Raises NoStateDirectoryError, and any error that the source raises.
        """
        owner = await asyncio.to_thread(self.check)
        stored = await asyncio.to_thread(_read_all, self._directory, owner, self._kinds)
        if recalled := [event for origin in stored for event in self._recall(origin)]:
            emit(recalled)
            self._speaking = self._tell_source(recalled)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._source.run(lambda events: self._pass(events, emit)))
                tasks.create_task(self._keep())
        finally:
            if self._saving:
                await asyncio.wait([self._saving])
            await self._save(is_last=True)

    async def refresh(self) -> None:
        """Return when all that was declared at the time of the call has been emitted."""
        await self._source.refresh()

    # -- emitting ----------------------------------------------------------------------------------

    def _recall(self, stored: StoredOrigin) -> Iterator[Event]:
        self._memories[stored.origin] = _Memory(
            since=stored.since,
            settings=stored.settings,
            unsaid=set(stored.objects),
            lines=stored.lines,
            written=stored.settings,
            is_saved=True,
        )
        if stored.origin != HUB:
            yield Configured(stored.origin, stored.settings)
        for ref, value in stored.objects.items():
            yield Upserted(ref, value)

    def _pass(self, events: Sequence[Event], emit: Emit) -> None:
        passed = [replaced for event in events for replaced in self._hear(event)]
        if any(isinstance(event, Listed) and event.origin == HUB for event in events):
            passed += self._missed(lambda origin: f"{_MISSED} {self._file(origin)} and restart")
        emit(passed)

    def _file(self, origin: str) -> Path:
        return state_file.path_of(self._directory, origin)

    def _hear(self, event: Event) -> Iterable[Event]:
        """Take in an event of the source, and give the events to emit in its place."""
        match event:
            case Upserted(ref, value):
                self._note(ref, value)
            case Deleted(ref):
                self._note(ref, None)
            case Refused(ref):
                self._memory(ref.origin).unsaid.discard(ref)
            case Configured(origin, settings):
                self._memory(origin).settings = settings
                self._news.set()
            case Members(ids):
                self._members = ids
                for origin in self._memories.keys() - ids - {HUB}:
                    del self._memories[origin]
                    self._removed.add(origin)
                self._news.set()
            case Listed(origin):
                return [*self._list(origin), event]
            case Unreachable(origin):
                return self._lose(origin, event)
        return (event,)

    def _note(self, ref: Ref, value: FleetObject | None) -> None:
        memory = self._memory(ref.origin)
        memory.unsaid.discard(ref)
        if state_file.is_kept(ref, self._kinds):
            memory.pending[ref] = value
            if memory.listed:
                self._news.set()

    def _list(self, origin: str) -> list[Deleted]:
        """Note that the origin has listed, and give events for its stored objects that are gone."""
        memory = self._memory(origin)
        gone, memory.unsaid = sorted(memory.unsaid), set()
        memory.pending |= dict.fromkeys(gone)
        memory.listed = memory.spoken_of = memory.reachable = True
        self._news.set()
        return [Deleted(ref) for ref in gone]

    def _lose(self, origin: str, event: Unreachable) -> list[Event]:
        memory = self._memory(origin)
        memory.reachable = False
        if memory.listed:
            return [event]
        events: list[Event] = [self._unheard(origin, event)]
        if origin == HUB:
            events += self._missed(lambda _: _HUB_AWAY)
        return events

    def _missed(self, message: Callable[[str], str]) -> list[Event]:
        """Events for stored members about which the source has emitted nothing.

        There are none if the source has emitted Members: it then emits an event about each of them.
        """
        if self._members is not None:
            return []
        silent = {origin for origin, memory in self._memories.items() if not memory.spoken_of}
        return [
            self._unheard(origin, Unreachable(origin, message(origin)))
            for origin in sorted(silent - {HUB} - self._speaking)
        ]

    def _unheard(self, origin: str, event: Unreachable) -> Unreachable:
        """The event with the time since which an origin that was never read here has been away.

        Logs that the origin's stored objects are in force.
        """
        memory = self._memory(origin)
        if memory.since is None:
            memory.spoken_of = True
            return event
        if not memory.spoken_of:
            log.warning(
                "%s cannot be reached: in force are the %d objects that it held at %s",
                origin or "the hub",
                len(memory.unsaid),
                memory.since.isoformat(timespec="seconds"),
            )
        memory.spoken_of = True
        return replace(event, since=memory.since)

    def _memory(self, origin: str) -> _Memory:
        return self._memories.setdefault(origin, _Memory())

    # -- storing -----------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_TOUCH):
                    await self._news.wait()
            except TimeoutError:
                pass  # unchanged files are marked as current
            self._news.clear()
            # A thread cannot be cancelled, so `run` waits for this save before it does the last.
            self._saving = asyncio.create_task(self._save())
            await asyncio.shield(self._saving)
            await asyncio.sleep(self._pace)

    async def _save(self, *, is_last: bool = False) -> None:
        """Write the files of all origins that have changed, and remove those of gone members."""
        removed, self._removed = self._removed, set()
        for origin in removed:
            await asyncio.to_thread(self._remove, origin)
        now = asyncio.get_running_loop().time()
        # Members are written first. If a crash left only the hub's file, a restart would publish
        # its gateways without endpoints.
        for origin, memory in sorted(self._memories.items(), key=lambda item: item[0] == HUB):
            if not memory.listed:
                continue  # it may have emitted a part of its objects, and the file has all of them
            if origin == HUB and not memory.is_saved and self._awaits_members():
                continue
            is_due = memory.reachable and (is_last or now - memory.touched >= _TOUCH)
            is_other = memory.written != memory.settings
            if memory.pending or not memory.is_saved or is_due or is_other:
                pending, memory.pending = memory.pending, {}
                memory.touched = now
                await asyncio.to_thread(self._write, origin, memory, pending, memory.settings)

    def _awaits_members(self) -> bool:
        """Whether some member that the hub names has neither listed nor failed, and has no file."""
        return any(
            (memory := self._memories.get(member)) is None
            or not (memory.spoken_of or memory.is_saved)
            for member in self._members or ()
        )

    def _write(
        self,
        origin: str,
        memory: _Memory,
        pending: Mapping[Ref, FleetObject | None],
        settings: MemberSettings,
    ) -> None:
        """Write an origin's file if its content differs; otherwise mark it as current."""
        memory.is_saved = memory.is_saved and memory.written == settings
        for ref, value in pending.items():
            line = b"" if value is None else state_file.line_of(value)
            if memory.lines.get(ref, b"") != line:
                memory.is_saved = False
                memory.lines[ref] = line
                if not line:
                    del memory.lines[ref]
        try:
            if not memory.lines:
                state_file.remove(self._directory, origin)
            elif not (memory.is_saved and state_file.touch(self._directory, origin)):
                state_file.write(self._directory, origin, memory.lines.values(), settings)
        except OSError as e:
            memory.is_saved = False
            if not memory.is_failing:
                log.warning("cannot keep what %s holds, trying again: %s", origin or "the hub", e)
            memory.is_failing = True
        else:
            memory.written = settings
            memory.is_saved = True
            memory.is_failing = False

    def _remove(self, origin: str) -> None:
        try:
            state_file.remove(self._directory, origin)
        except OSError as e:
            log.warning("cannot remove what was kept of %s: %s", origin, e)


def _read_all(directory: Path, owner: int, kinds: Kinds) -> list[StoredOrigin]:
    """The contents of all files, the hub's first; a file that cannot be used is left alone."""
    stored: list[StoredOrigin] = []
    for path in state_file.files_in(directory):
        try:
            stored.append(state_file.read(path, owner, kinds))
        except (OSError, UnusableFileError) as e:
            log.warning("what is kept in %s is not used: %s", path, e)
    return stored
