"""What stands on the hub of managed gateways: one collection for each kind that is written."""

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
        """Where lists and watches are asked for."""
        return collection_path(self.kind, self.namespace)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The labels of our own objects."""
        return [("labelSelector", SELECTOR)]

    def __str__(self) -> str:
        return f"{self.kind.lower()}s of gateways in {self.namespace}"


class Content:
    """The objects of one kind as they stand; `on_change` hears which may have changed."""

    def __init__(self, collection: OwnObjects, on_change: Callable[[Key], None]) -> None:
        self._collection = collection
        self._on_change = on_change
        self._objects: dict[str, Json] = {}
        self._answers: dict[str, Json] | None = None  # those that came while a list is read

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self._objects

    def get(self, name: str) -> Json:
        """An object, None where there is none."""
        return self._objects.get(name)

    def __iter__(self) -> Iterator[Key]:
        return (Key(self._collection.kind, name) for name in self._objects)

    async def load(self, server: ApiServer) -> str:
        """Read all of them. Raises Refusal and Unreached.

        A list overrules what is known, whatever its version: a hub that was restored from a backup
        counts from a lower one. Only what the hub has answered since the list began may be newer.
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
        """Take in what has become of one object."""
        if self._is_known(change.value):
            return
        if change.type is not ChangeType.DELETED:
            self._hold(change.value)
        else:
            name = change.value["metadata"]["name"]
            self._objects.pop(name, None)
            self._on_change(Key(self._collection.kind, name))

    def take(self, item: Json) -> None:
        """Take in what the hub has answered to a write."""
        if self._answers is not None:
            self._answers[item["metadata"]["name"]] = item
        if not self._is_known(item):
            self._hold(item)

    def _hold(self, item: Json) -> None:
        name = item["metadata"]["name"]
        self._objects[name] = item
        self._on_change(Key(self._collection.kind, name))

    def _whole(self, item: Json) -> Json:
        """An item of a list as a watch has it, which says what it is."""
        kind = self._collection.kind
        return {"apiVersion": API_VERSIONS[kind], "kind": kind, **item}

    def _is_known(self, item: Json) -> bool:
        """Whether what is held is as new: answers to writes and the watch overtake one another."""
        held = self._objects.get(item["metadata"]["name"])
        return held is not None and _version(held) >= _version(item)


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in the log when the objects cannot be followed, and when they can again."""

    lost: str
    found: str


_WORDS: Final = Words(
    "managed gateways are not looked after", "managed gateways are looked after again"
)


class HubObjects:
    """Objects that fleetgate has written for gateways, followed while `run` runs.

    `listed` is set once all kinds have been read, `answered` also where the hub refuses one.
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
        self._told: set[str] = set()

    def get(self, key: Key) -> Json:
        """An object, None where there is none."""
        return self._contents[key.kind].get(key.name)

    def take(self, item: Json) -> None:
        """Take in what the hub has answered to a write."""
        self._contents[item["kind"]].take(item)

    def __iter__(self) -> Iterator[Key]:
        return (key for content in self._contents.values() for key in content)

    async def run(self, server: ApiServer) -> None:
        """Follow all kinds until cancelled; `listed` is set once all have been read."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(follow(reflector, server))

    def _standing(self) -> None:
        if all(reflector.listed for reflector in self._reflectors):
            self.listed.set()
            self.answered.set()
        # A hub that does not answer is one trouble, in whatever words each kind hears of it.
        troubles = {
            "" if reflector.is_cut_off else reflector.trouble: reflector.trouble
            for reflector in self._reflectors
            if reflector.trouble
        }
        if any(troubles):
            self.answered.set()
        for which in troubles.keys() - self._told:
            log.warning("%s: %s", self._words.lost, troubles[which])
        if self._told and not troubles:
            log.warning("%s", self._words.found)
        self._told = self._told | troubles.keys() if troubles else set()


def owner_of(live: Json) -> Ref | None:
    """The object that an object goes with."""
    references = live["metadata"].get("ownerReferences", ())
    return next(
        (Ref(HUB, r["kind"], "", r["name"]) for r in references if r.get("controller")), None
    )


def _version(item: Json) -> int:
    # Numbers that grow, by Kubernetes' own word since 1.35 and in fact since etcd keeps them.
    return int(item["metadata"]["resourceVersion"])
