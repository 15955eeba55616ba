"""The objects of one kind at one API server, as far as they have been said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from fleet.events import Event, Refused, Upserted
from fleet.kubernetes.bounds import Bounds
from fleet.kubernetes.collection import Collection, Json, list_all
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.watch import Change, ChangeType
from fleet.parse import FILE, Unused
from fleet.ref import Ref
from fleet.sources.kubernetes.room import Room
from fleet.sources.said import Said

T = TypeVar("T")

Say: TypeAlias = Callable[[Sequence[Event]], None]

SLICE: Final = 500
"""Objects that are looked at in one go: some milliseconds in which nobody else is served."""


class Objects:
    """Says every object of a collection, and then what differs from what was said."""

    def __init__(self, collection: Collection, origin: str, say: Say) -> None:
        self._collection = collection
        self._origin = origin
        self._say = say
        self._said = Said()
        self._room = Room(collection, origin, Bounds().objects)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return not self._said.refs

    async def load(self, server: ApiServer) -> str:
        """Read all objects; those that are not there any more are deleted.

        What differs is said in one piece, once all of it is known: of a load that is cancelled,
        nothing. Raises OverFull.
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
                differing.pop(found.ref, None)  # the last one counts, should it be there twice
                if self._said.differs(found.ref, found):
                    differing[found.ref] = found
        gone: list[Ref] = []
        async for known in _in_slices(list(self._said.refs)):
            gone += [ref for ref in known if ref not in there]
        self._differ([*((ref, None) for ref in gone), *differing.items()])
        self._room = room
        return listing.position

    def change(self, change: Change) -> None:
        """Take in what has become of one object. Raises OverFull."""
        found = self._read(change.value)
        if found is None:
            return
        outcome = None if change.type is ChangeType.DELETED else found
        self._room.swap(self._said.last(found.ref), outcome)
        self._differ([(found.ref, outcome)])

    def forget(self) -> None:
        """Nobody needs the collection any more."""
        self._differ([(ref, None) for ref in self._said.refs])

    def _differ(self, outcomes: Sequence[tuple[Ref, Upserted | Refused | None]]) -> None:
        events = [
            event
            for ref, outcome in outcomes
            if (event := self._said.say(ref, outcome)) is not None
        ]
        if events:
            self._say(events)

    def _read(self, item: Json) -> Upserted | Refused | None:
        """None for what has no name that an object can have: no API server holds that."""
        found = self._collection.read(item, self._origin)
        return None if isinstance(found, Unused) or found.ref.kind == FILE else found


async def _in_slices(items: list[T]) -> AsyncIterator[Sequence[T]]:
    """Take the items out of the list, some at a time, with a turn for everybody else in between.

    What is not kept of a slice is gone with it: to free all at once takes as long as to compare.
    """
    items.reverse()
    while items:
        taken = items[: -SLICE - 1 : -1]
        del items[-SLICE:]
        yield taken
        await asyncio.sleep(0)
