"""While a collection that was listed again is compared, other tasks run."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from fleet.events import Deleted, Event, Upserted
from fleet.kubernetes.collection import Collection, Json
from fleet.models import Metadata, Service
from fleet.parse import Parsed
from fleet.ref import Ref
from fleet.sources.kubernetes.objects import SLICE, Objects
from tests.fleet.api_dialogue import Dialogue, dialogue, listing
from translators.dialects import DIALECTS

MANY = 4 * SLICE + 7


class Counted(Service):
    """A Service that counts how often it is compared with another version."""

    compared: ClassVar[int] = 0
    version: int

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return isinstance(other, Counted) and self.version == other.version

    __hash__ = None  # type: ignore[assignment]  # as pydantic has it of what is not frozen


class Services(Collection):
    """A collection whose items are read as Counted."""

    def read(self, item: Json, origin: str) -> Parsed:
        name = item["metadata"]["name"]
        value = Counted(metadata=Metadata(name=name), version=item["version"])
        return Upserted(Ref(origin, "Service", "default", name), value)


def item(number: int, version: int = 1) -> Json:
    return {"metadata": {"name": f"s{number:05}"}, "version": version}


async def load(objects: Objects, api: Dialogue, *items: Json) -> None:
    client = await api.client()
    loading = asyncio.create_task(objects.load(client))
    (await api.asked()).answer(200, listing(*items, position="7"))
    try:
        await loading
    finally:
        await client.close()


def test_others_have_their_turn_after_each_slice() -> None:
    steps: list[int] = []

    async def count() -> None:
        while True:
            before = Counted.compared
            await asyncio.sleep(0)
            steps.append(Counted.compared - before)

    async def story() -> None:
        said: list[Sequence[Event]] = []
        objects = Objects(Services(DIALECTS.kinds["Service"]), "one", said.append)
        async with dialogue() as api:
            await load(objects, api, *map(item, range(MANY)))
            counting = asyncio.create_task(count())
            Counted.compared = 0
            await load(objects, api, *map(item, range(MANY)))
            counting.cancel()
        assert [len(events) for events in said] == [MANY]

    asyncio.run(story())
    assert sum(steps) == MANY
    assert max(steps) <= SLICE


def test_what_differs_is_said_in_one_piece_what_is_gone_first() -> None:
    async def story() -> None:
        said: list[Sequence[Event]] = []
        objects = Objects(Services(DIALECTS.kinds["Service"]), "one", said.append)
        async with dialogue() as api:
            await load(objects, api, *map(item, range(MANY)))
            said.clear()
            changed = [item(n, version=2 if n % SLICE == 3 else 1) for n in range(9, MANY)]
            await load(objects, api, *changed)
        (events,) = said
        gone = [event.ref.name for event in events if isinstance(event, Deleted)]
        assert gone == [f"s{n:05}" for n in range(9)]
        new = [event.ref.name for event in events[len(gone) :] if isinstance(event, Upserted)]
        assert new == [f"s{n:05}" for n in range(9, MANY) if n % SLICE == 3]
        assert len(events) == len(gone) + len(new)

    asyncio.run(story())


def test_a_relist_that_is_cancelled_has_said_nothing() -> None:
    async def story() -> None:
        said: list[Sequence[Event]] = []
        objects = Objects(Services(DIALECTS.kinds["Service"]), "one", said.append)
        async with dialogue() as api:
            await load(objects, api, *map(item, range(MANY)))
            said.clear()
            client = await api.client()
            loading = asyncio.create_task(objects.load(client))
            Counted.compared = 0
            (await api.asked()).answer(
                200, listing(*(item(n, 2) for n in range(MANY)), position="8")
            )
            while not Counted.compared:  # noqa: ASYNC110 (the test counts turns of the loop)
                await asyncio.sleep(0)
            loading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await loading
            await client.close()
            assert said == []
            assert Counted.compared < MANY
            await load(objects, api, *(item(n, 2) for n in range(MANY)))
        assert [len(events) for events in said] == [MANY]

    asyncio.run(story())
