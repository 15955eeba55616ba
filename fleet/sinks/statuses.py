"""Statuses on the hub: the newest of each object, and no more writes than that takes.

What stands there is read once, in pages, when writing starts; after that each answer to a write
says what stands there now. So an object that already has its status is left alone, also by the next
leader. One that is met later was most likely made a moment ago, and is written without a look.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Reply
from fleet.kubernetes.patience import BUSY, Patience
from fleet.ref import HUB, Ref
from fleet.sinks.pages import items
from fleet.sinks.pending import Pending
from fleet.sinks.places import PLACES, Place, place_of

log = logging.getLogger(__name__)

Json: TypeAlias = Any
Status: TypeAlias = Mapping[str, Any]  # JSON

FIELD_MANAGER: Final = "fleetgate"
"""Under this name `managedFields` says which statuses are of our making."""


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """How statuses are written; times are in seconds.

    Every `resync`, all statuses are read again, and what somebody else has made of them is put
    right: often enough to heal, too seldom to fight with another controller over an Ingress. What
    the hub refused is offered again each `retry`. `writers` is the number of objects at a time.
    """

    resync: float = 600.0
    retry: float = 30.0
    writers: int = 8


@dataclass(frozen=True, slots=True)
class _Live:
    """What the hub shows of an object: its status, and whether fleetgate wrote any of it."""

    status: Status
    ours: bool


class StatusWriter:
    """Writes what `want` was last told, while `run` runs; call both in the event loop's thread.

    `refusals` is how often the hub has refused to show a status, or to take one.
    """

    def __init__(
        self, api: ApiServer, patience: Patience, settings: StatusSettings | None = None
    ) -> None:
        self._api = api
        self._patience = patience
        self._settings = settings or StatusSettings()
        self._wanted: dict[Ref, Status] = {}
        self._live: dict[Ref, _Live] = {}
        self._unread: set[Ref] = set()
        self._refused: dict[Ref, str] = {}
        self._pending: Pending[Ref] = Pending()
        self.refusals = 0

    def want(self, statuses: Mapping[Ref, Status | None]) -> None:
        """Take the statuses of some objects, the others keep theirs; None for one that is gone.

        Cheap, in the number of objects that are named, and allowed while `run` does not run.
        Objects of members and kinds without a status of our making are left out.
        """
        for ref, status in statuses.items():
            place = place_of(ref)
            if place is None or not place.status:
                continue
            if status is None:
                self._wanted.pop(ref, None)
                self._forget(ref)
            elif self._wanted.get(ref) != status:
                if ref not in self._wanted:
                    self._unread.add(ref)
                self._wanted[ref] = dict(status)
                self._pending.add([ref])

    def changed(self, refs: Iterable[Ref]) -> None:
        """Read these objects again before the next look at them: they may have been made anew.

        Optional; without it an object that was replaced has its status at the next resync.
        """
        again = [ref for ref in refs if ref in self._wanted]
        self._unread.update(again)
        self._pending.add(again)

    async def run(self) -> None:
        """Write until cancelled.

        What is wanted by then is read in pages, so start it when the first statuses are known.
        """
        self._live.clear()
        self._unread.clear()
        self._refused.clear()
        async for ref, live in self._listed():
            if ref in self._wanted:
                self._live[ref] = live
        self._pending.add(self._wanted)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pending.work(self._settle, self._settings.writers))
            group.create_task(self._resync())
            group.create_task(self._retry())

    async def _settle(self, ref: Ref) -> None:
        """Bring one object's status to what is wanted."""
        place = place_of(ref)
        if ref not in self._wanted or place is None:
            return
        # Only an Ingress is emptied; another controller may have taken it over meanwhile.
        emptied = not any(self._wanted[ref].values())
        known = ref in self._live
        unread = ref in self._unread and known
        self._unread.discard(ref)
        if unread or (emptied and (not known or self._differs(ref))):
            reply = await self._patience.ask(partial(self._api.request, "GET", place.object(ref)))
            if not self._take(ref, reply):
                return
        if ref not in self._live or self._differs(ref):
            reply = await self._patience.ask(
                partial(self._write, ref, place), again=BUSY | {HTTPStatus.CONFLICT}
            )
            if not self._take(ref, reply):
                return
        self._refused.pop(ref, None)

    def _differs(self, ref: Ref) -> bool:
        live, wanted = self._live.get(ref), self._wanted.get(ref)
        if live is None or wanted is None or live.status == wanted:
            return False
        # An Ingress that no gateway takes has an empty status here, and perhaps an address of
        # somebody else's there.
        return live.ours or any(wanted.values())

    async def _write(self, ref: Ref, place: Place) -> Reply:
        wanted = self._wanted.get(ref)
        if wanted is None:
            # It went while the hub did not answer.
            return Reply(HTTPStatus.NOT_FOUND, b"")
        # The whole of it by JSON patch: what is not in it goes, which a merge patch would not do.
        patch = [{"op": "add", "path": "/status", "value": wanted}]
        return await self._api.request(
            "PATCH",
            f"{place.object(ref)}/status",
            query=[("fieldManager", FIELD_MANAGER)],
            body=patch,
            content_type="application/json-patch+json",
        )

    def _take(self, ref: Ref, reply: Reply) -> bool:
        """Remember the object that the hub answered with, if it did."""
        if reply.ok:
            if ref in self._wanted:
                self._live[ref] = _live(reply.json())
            return True
        self._live.pop(ref, None)
        if reply.status == HTTPStatus.NOT_FOUND:
            self._refused.pop(ref, None)
            return False
        self.refusals += 1
        if self._refused.get(ref) != reply.message:
            self._refused[ref] = reply.message
            log.warning("the hub refuses the status of %s: %s", ref, reply.message)
        return False

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
            # What a worker writes meanwhile is newer than the page: look again at what differs.
            self.changed([ref async for ref, live in self._listed() if self._live.get(ref) != live])

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(self._settings.retry)
            self._pending.add(self._refused)

    async def _listed(self) -> AsyncIterator[tuple[Ref, _Live]]:
        for kind, place in PLACES.items():
            if place.status:
                async for item in items(self._api, self._patience, place.collection):
                    metadata = item["metadata"]
                    ref = Ref(HUB, kind, metadata.get("namespace", ""), metadata["name"])
                    yield ref, _live(item)

    def _forget(self, ref: Ref) -> None:
        self._live.pop(ref, None)
        self._unread.discard(ref)
        self._refused.pop(ref, None)


def _live(manifest: Json) -> _Live:
    managers = manifest["metadata"].get("managedFields", ())
    ours = any(m["manager"] == FIELD_MANAGER and m.get("subresource") == "status" for m in managers)
    return _Live(manifest.get("status", {}), ours)
