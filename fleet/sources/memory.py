"""A source that holds what it is given: for tests, and for programs that embed fleetgate."""

import asyncio
from collections.abc import Sequence

from fleet.documents import Document
from fleet.events import Deleted, Emit, Event, Listed, Unreachable
from fleet.parse import Unused, parse
from fleet.ref import HUB, Ref


class MemorySource:
    """Objects and members set by calls; what is set before `run` is said when it starts."""

    def __init__(self) -> None:
        self._said: list[Event] = [Listed(HUB)]
        self._emit: Emit | None = None

    def put(self, *manifests: Document, origin: str = HUB) -> None:
        """Declare objects, as manifests."""
        results = [parse(manifest, origin, "memory") for manifest in manifests]
        self._say([result for result in results if not isinstance(result, Unused)])

    def remove(self, *refs: Ref) -> None:
        """Take objects away."""
        self._say([Deleted(ref) for ref in refs])

    def attach(self, *members: str) -> None:
        """Say that the members can be reached and hold what has been put."""
        self._say([Listed(member) for member in members])

    def lose(self, member: str, message: str) -> None:
        """Say that a member cannot be reached."""
        self._say([Unreachable(member, message)])

    async def run(self, emit: Emit) -> None:
        """Say everything, then every change, until cancelled."""
        emit(self._said)
        self._said = []
        self._emit = emit
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._emit = None

    async def refresh(self) -> None:
        """What was put has been emitted by then: `put` emits at once."""

    def _say(self, events: Sequence[Event]) -> None:
        if self._emit is None:
            self._said.extend(events)
        else:
            self._emit(events)
