"""Emits the objects of one kind at one API server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

from fleet.events import Emit, Refused, Upserted
from fleet.kubernetes.bounds import Bounds
from fleet.kubernetes.collection import Collection, Json, list_all
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.watch import Change, ChangeType
from fleet.parse import FILE, Unused
from fleet.ref import Ref
from fleet.sources.emitted import Emitted
from fleet.sources.kubernetes.room import Room

T = TypeVar("T")

SLICE: Final = 500
"""Objects that are compared in one go, which blocks the event loop for some milliseconds."""


class Objects:
    """Emits every object of a collection, and then the differences."""

    def __init__(self, collection: Collection, origin: str, emit: Emit) -> None:
        self._collection = collection
        self._origin = origin
        self._emit = emit
        self._emitted = Emitted()
        self._room = Room(collection, origin, Bounds().objects)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return not self._emitted.refs

    async def load(self, server: ApiServer) -> str:
        """Read all objects, and give the position for a watch. Objects that are gone are deleted.

        The differences are emitted at once at the end, so a load that is cancelled emits nothing.
        Raises OverFull, Refusal and Unreached.
        """
        room = Room(self._collection, self._origin, server.bounds.objects)

        def read_one(item: Json) -> Upserted | Refused | None:
            found = self._read(item)
            if found is None:
                room.skip()
            else:
                room.swap(None, found)
            return found

        listing = await list_all(server, self._collection, read_one)
        there: set[Ref] = set()
        differing: dict[Ref, Upserted | Refused] = {}
        async for read in _in_slices(listing.items):
            for found in read:
                if found is None:
                    continue
                there.add(found.ref)
                differing.pop(found.ref, None)  # of an object that is listed twice, the last counts
                if self._emitted.differs(found.ref, found):
                    differing[found.ref] = found
        gone: list[Ref] = []
        async for known in _in_slices(list(self._emitted.refs)):
            gone += [ref for ref in known if ref not in there]
        self._differ([*((ref, None) for ref in gone), *differing.items()])
        self._room = room
        return listing.position

    def change(self, change: Change) -> None:
        """Take in a change of one object. Raises OverFull."""
        found = self._read(change.value)
        if found is None:
            return
        outcome = None if change.type is ChangeType.DELETED else found
        self._room.swap(self._emitted.last(found.ref), outcome)
        self._differ([(found.ref, outcome)])

    def forget(self) -> None:
        """Emit that all objects are gone, since the collection is not needed any more."""
        self._differ([(ref, None) for ref in self._emitted.refs])

    def _differ(self, outcomes: Sequence[tuple[Ref, Upserted | Refused | None]]) -> None:
        events = [
            event
            for ref, outcome in outcomes
            if (event := self._emitted.update(ref, outcome)) is not None
        ]
        if events:
            self._emit(events)

    def _read(self, item: Json) -> Upserted | Refused | None:
        """Read an item; None if it has no valid name, which no API server would accept."""
        found = self._collection.read(item, self._origin)
        return None if isinstance(found, Unused) or found.ref.kind == FILE else found


async def _in_slices(items: list[T]) -> AsyncIterator[Sequence[T]]:
    """Take the items out of the list in slices, and let other tasks run after each slice.

    The caller frees a slice before it takes the next one. Freeing all items at once would block the
    event loop for as long as comparing them does.
    """
    items.reverse()
    while items:
        taken = items[: -SLICE - 1 : -1]
        del items[-SLICE:]
        yield taken
        await asyncio.sleep(0)
