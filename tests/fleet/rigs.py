"""Rigs: one interface by which test_sources.py declares objects for every kind of source."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Sequence, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from fleet.events import (
    Awaited,
    Configured,
    Deleted,
    Event,
    Listed,
    Members,
    Refused,
    Source,
    Unreachable,
    Upserted,
)
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sources.directory import DirectorySource
from fleet.sources.memory import MemorySource
from fleet.sources.remembered import Remembered
from fleet.state import FleetState
from tests.fleet.kubernetes_rig import KubernetesRig
from tests.support.builders import Builder, write
from translators.dialects import DIALECTS

PATIENCE = 20.0
"""Seconds that a test waits for an expected event before it fails."""


class Rig(Protocol):
    """A source, and the place whose objects it reads. The member `one` exists from the start."""

    @property
    def source(self) -> Source:
        """The source under test."""
        ...

    @property
    def scenery(self) -> frozenset[Ref]:
        """The objects that the rig itself has declared."""
        ...

    def put(self, *objects: Builder[Any], origin: str = HUB) -> None:
        """Declare objects, and replace those with the same names."""
        ...

    def remove(self, *objects: Builder[Any], origin: str = HUB) -> None:
        """Remove objects."""
        ...

    def lose(self, member: str) -> None:
        """Make a member unreachable, with the objects that it has."""
        ...

    def find(self, member: str) -> None:
        """Make a member reachable, again or for the first time."""
        ...


class MemoryRig:
    """Declares objects in memory."""

    scenery: frozenset[Ref] = frozenset()

    def __init__(self, _: Path) -> None:
        self._memory = MemorySource(DIALECTS.kinds)
        self._memory.attach("one")

    @property
    def source(self) -> Source:
        return self._memory

    def put(self, *objects: Builder[Any], origin: str = HUB) -> None:
        self._memory.put(*(thing.manifest for thing in objects), origin=origin)

    def remove(self, *objects: Builder[Any], origin: str = HUB) -> None:
        self._memory.remove(*(thing.ref(origin) for thing in objects))

    def lose(self, member: str) -> None:
        self._memory.lose(member, "the cable is cut")

    def find(self, member: str) -> None:
        self._memory.attach(member)


class RememberedRig(MemoryRig):
    """Declares objects in memory, which the source stores on disk."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._remembered = Remembered(self._memory, root / "state", DIALECTS.kinds)

    @property
    def source(self) -> Source:
        return self._remembered


class DirectoryRig:
    """Writes a file for each object. A member is lost when its directory is moved away."""

    scenery: frozenset[Ref] = frozenset()

    def __init__(self, root: Path) -> None:
        self.root = root / "fleet"
        self._away = root / "away"
        for directory in (self.root / "hub", self.root / "clusters/one", self._away):
            directory.mkdir(parents=True)
        self.source = DirectorySource(self.root, DIALECTS.kinds)

    def put(self, *objects: Builder[Any], origin: str = HUB) -> None:
        for thing in objects:
            write(self._directory(origin), self._file(thing), thing)

    def remove(self, *objects: Builder[Any], origin: str = HUB) -> None:
        for thing in objects:
            (self._directory(origin) / self._file(thing)).unlink()

    def lose(self, member: str) -> None:
        self._directory(member).rename(self._away / member)

    def find(self, member: str) -> None:
        if (self._away / member).exists():
            shutil.move(self._away / member, self.root / "clusters" / member)
        else:
            (self.root / "clusters" / member).mkdir()

    def _directory(self, origin: str) -> Path:
        if origin == HUB:
            return self.root / "hub"
        away = self._away / origin
        return away if away.exists() else self.root / "clusters" / origin

    def _file(self, thing: Builder[Any]) -> str:
        return f"{thing.kind.__name__}-{thing.namespace}-{thing.name}.yaml"


def _kubernetes(request: pytest.FixtureRequest) -> Rig:
    rig = KubernetesRig(request.getfixturevalue("clusters"))
    request.addfinalizer(rig.close)
    return rig


LENIENT: dict[str, Callable[[pytest.FixtureRequest], Rig]] = {
    "directory": lambda request: DirectoryRig(request.getfixturevalue("tmp_path")),
    "memory": lambda request: MemoryRig(request.getfixturevalue("tmp_path")),
    "remembered": lambda request: RememberedRig(request.getfixturevalue("tmp_path")),
}
"""Rigs that accept any object. An API server refuses most mistakes, and sets creation times."""

RIGS = {**LENIENT, "kubernetes": _kubernetes}


class Listener:
    """Keeps all events of a source, and the state that they add up to."""

    def __init__(self, source: Source, scenery: Set[Ref] = frozenset()) -> None:
        self.events: list[Event] = []
        self.state = FleetState()
        self._source = source
        self._scenery = scenery
        self._news = asyncio.Event()

    def hear(self, events: Sequence[Event]) -> None:
        """Take in events of the source."""
        self.events += events
        self.state.apply(events)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the source's events make the condition true, without a refresh."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    @property
    def problems(self) -> list[Problem]:
        """The problems of objects, without the one that a member is on this machine."""
        found = [problem for each in self.state.problems.values() for problem in each]
        return [problem for problem in found if reasons([problem])]

    async def news(self) -> list[str]:
        """The events since the last call, as short lines.

        Members, Configured and Awaited are left out, since not every source emits them.
        """
        async with asyncio.timeout(PATIENCE):
            await self._source.refresh()
        said, self.events = self.events, []
        return [line(event) for event in said if self._is_news(event)]

    def _is_news(self, event: Event) -> bool:
        match event:
            case Refused(problems=(_, *_) as problems) if not reasons(problems):
                return False
            case Upserted(ref) | Refused(ref) | Deleted(ref):
                return ref not in self._scenery
            case Members() | Configured() | Awaited():
                return False
            case _:
                return True


def line(event: Event) -> str:
    """An event in a few words."""
    match event:
        case Upserted(ref, _, problems):
            text = f"upserted {ref}"
        case Refused(ref, problems):
            text = f"refused {ref}"
        case Deleted(ref) | Awaited(ref):
            return f"{type(event).__name__.lower()} {ref}"
        case Listed(origin):
            return f"listed {origin or 'hub'}"
        case Unreachable(origin):
            return f"unreachable {origin or 'hub'}"
        case Configured(origin):
            return f"configured {origin}"
        case Members(ids):
            return f"members {' '.join(sorted(ids))}".strip()
    found = " ".join(reasons(problems))
    return f"{text}: {found}" if found else text


def reasons(problems: Iterable[Problem]) -> list[str]:
    """The reasons of problems, without the one that a member is on this machine."""
    return [problem.reason for problem in problems if problem.reason != "LocalMember"]


@asynccontextmanager
async def listening(source: Source, scenery: Set[Ref] = frozenset()) -> AsyncIterator[Listener]:
    """Run a source while the block runs."""
    listener = Listener(source, scenery)
    running = asyncio.create_task(source.run(listener.hear))
    try:
        yield listener
    finally:
        running.cancel()
        await asyncio.wait([running])
    if not running.cancelled():
        running.result()
