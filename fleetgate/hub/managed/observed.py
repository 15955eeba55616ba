"""The objects of managed gateways on the hub, followed in one collection for each kind."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fleet.kubernetes.collection import list_all
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.following import follow
from fleet.kubernetes.reflector import Reflector
from fleet.kubernetes.watch import Change, ChangeType
from fleet.ref import HUB, Ref
from fleetgate.hub.managed.manifests import API_VERSIONS, Key, collection_path
from fleetgate.hub.managed.workload_names import SELECTOR

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it


@dataclass(frozen=True, slots=True)
class OwnObjects:
    """The objects of a kind that fleetgate has written in its namespace."""

    kind: str
    namespace: str

    @property
    def path(self) -> str:
        """The path of lists and watches."""
        return collection_path(self.kind, self.namespace)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query that selects fleetgate's own objects by their labels."""
        return [("labelSelector", SELECTOR)]

    def __str__(self) -> str:
        return f"{self.kind.lower()}s of gateways in {self.namespace}"


class Content:
    """The objects of one kind. `on_change` is called with each object that may have changed."""

    def __init__(self, collection: OwnObjects, on_change: Callable[[Key], None]) -> None:
        self._collection = collection
        self._on_change = on_change
        self._objects: dict[str, Json] = {}
        # The answers to writes that come while a list is read, None between lists.
        self._answers: dict[str, Json] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no object."""
        return not self._objects

    def get(self, name: str) -> Json:
        """Return an object, None where there is none of this name."""
        return self._objects.get(name)

    def __iter__(self) -> Iterator[Key]:
        return (Key(self._collection.kind, name) for name in self._objects)

    async def load(self, server: ApiServer) -> str:
        """List all objects, and return the position of the list. Raises Refusal and Unreached.

        A list replaces all that is known, whatever its version, since a hub that was restored from
        a backup counts from a lower version on. Only answers to writes that came after the list
        began may be newer.
        """
        answers: dict[str, Json] = {}
        self._answers = answers
        try:
            listing = await list_all(server, self._collection, self._whole)
        finally:
            self._answers = None
        found = {item["metadata"]["name"]: item for item in listing.items}
        for name in self._objects.keys() - found.keys():
            del self._objects[name]
            self._on_change(Key(self._collection.kind, name))
        for name, item in found.items():
            newest = max(item, answers.get(name, item), key=_version)
            held = self._objects.get(name)
            if held is None or _version(held) != _version(newest):
                self._hold(newest)
        return listing.position

    def change(self, change: Change) -> None:
        """Take in a change of one object that a watch reports."""
        if self._is_known(change.value):
            return
        if change.type is not ChangeType.DELETED:
            self._hold(change.value)
        else:
            name = change.value["metadata"]["name"]
            self._objects.pop(name, None)
            self._on_change(Key(self._collection.kind, name))

    def take(self, item: Json) -> None:
        """Take in the hub's answer to a write."""
        if self._answers is not None:
            self._answers[item["metadata"]["name"]] = item
        if not self._is_known(item):
            self._hold(item)

    def _hold(self, item: Json) -> None:
        name = item["metadata"]["name"]
        self._objects[name] = item
        self._on_change(Key(self._collection.kind, name))

    def _whole(self, item: Json) -> Json:
        """Add the kind and the apiVersion to an item of a list. Items of a watch have them."""
        kind = self._collection.kind
        return {"apiVersion": API_VERSIONS[kind], "kind": kind, **item}

    def _is_known(self, item: Json) -> bool:
        """Return whether the object that is held is as new as an item.

        Answers to writes and events of the watch overtake one another.
        """
        held = self._objects.get(item["metadata"]["name"])
        return held is not None and _version(held) >= _version(item)


@dataclass(frozen=True, slots=True)
class Words:
    """The log lines for the loss of the objects, and for the end of the loss."""

    lost: str
    found: str


_WORDS: Final = Words(
    "managed gateways are not looked after", "managed gateways are looked after again"
)


class HubObjects:
    """Follows the objects that fleetgate has written for gateways while `run` runs.

    `listed` is set once all kinds have been read. `answered` is set then too, and also once the hub
    refuses one of them, or is out of reach.
    """

    def __init__(
        self,
        namespace: str,
        on_change: Callable[[Key], None],
        kinds: Sequence[str] = tuple(API_VERSIONS),
        words: Words = _WORDS,
    ) -> None:
        self.listed = asyncio.Event()
        self.answered = asyncio.Event()
        self._words = words
        self._contents: dict[str, Content] = {}
        self._reflectors: list[Reflector] = []
        for kind in kinds:
            collection = OwnObjects(kind, namespace)
            self._contents[kind] = Content(collection, on_change)
            self._reflectors.append(Reflector(collection, self._contents[kind], self._standing))
        self._logged: set[str] = set()

    def get(self, key: Key) -> Json:
        """Return an object, None where there is none."""
        return self._contents[key.kind].get(key.name)

    def take(self, item: Json) -> None:
        """Take in the hub's answer to a write."""
        self._contents[item["kind"]].take(item)

    def __iter__(self) -> Iterator[Key]:
        return (key for content in self._contents.values() for key in content)

    async def run(self, server: ApiServer) -> None:
        """Follow all kinds until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(follow(reflector, server))

    def _standing(self) -> None:
        if all(reflector.listed for reflector in self._reflectors):
            self.listed.set()
            self.answered.set()
        # A hub that does not answer is one trouble, though each kind reports it in other words.
        troubles = {
            "" if reflector.is_cut_off else reflector.trouble: reflector.trouble
            for reflector in self._reflectors
            if reflector.trouble
        }
        if any(troubles):
            self.answered.set()
        for trouble in troubles.keys() - self._logged:
            log.warning("%s: %s", self._words.lost, troubles[trouble])
        if self._logged and not troubles:
            log.warning("%s", self._words.found)
        self._logged = self._logged | troubles.keys() if troubles else set()


def owner_of(live: Json) -> Ref | None:
    """Return the gateway that controls an object, None where none does."""
    references = live["metadata"].get("ownerReferences", ())
    return next(
        (Ref(HUB, r["kind"], "", r["name"]) for r in references if r.get("controller")), None
    )


def _version(item: Json) -> int:
    # Kubernetes promises since 1.35 that these are growing numbers. With etcd they always were.
    return int(item["metadata"]["resourceVersion"])
