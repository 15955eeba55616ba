"""Statuses on the hub: the newest of each object, and no more writes than that takes.

What stands there is read once, in pages, when writing starts, and watched from then on. So an
object that already has its status is left alone, also by the next leader, and what somebody else
makes of one is seen at once.

It is put right once. Who overwrites it again believes to be in charge as well: then it stays as it
is for a while, and the object and the log say so, rather than that two write all the time.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

from fleet.kinds import Kind, Kinds
from fleet.kubernetes.connection import ApiServer, Reply
from fleet.kubernetes.following import follow
from fleet.kubernetes.patience import BUSY, Patience
from fleet.kubernetes.reflector import Reflector
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.sinks.pending import Pending
from fleet.sinks.shown import FIELD_MANAGER, Shown, StatusContent, Statuses, shown

log = logging.getLogger(__name__)

Json: TypeAlias = Any
Status: TypeAlias = Mapping[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """How statuses are written; times are in seconds.

    What somebody else makes of one status is put right once each `calm`, and after a `pause`: who
    takes an Ingress over may be faster than the news that it is not ours any more. What the hub
    refused is offered again each `retry`. `writers` is the number of objects at a time.
    """

    calm: float = 600.0
    pause: float = 2.0
    retry: float = 30.0
    writers: int = 8


class StatusWriter:
    """Writes what `want` was last told, while `run` runs; call both in the event loop's thread.

    `refusals` is how often the hub has refused to show a status, or to take one.
    """

    def __init__(
        self,
        api: ApiServer,
        kinds: Kinds,
        patience: Patience,
        settings: StatusSettings | None = None,
    ) -> None:
        self._api = api
        self._kinds = kinds
        self._patience = patience
        self._settings = settings or StatusSettings()
        self._wanted: dict[Ref, Status] = {}
        self._contents: dict[str, StatusContent] = {}
        self._right: dict[Ref, tuple[str, Status]] = {}  # shown as it was wanted, by uid
        self._put_right: dict[Ref, float] = {}
        self._overwritten: dict[Ref, str] = {}
        self._refused: dict[Ref, str] = {}
        self._pending: Pending[Ref] = Pending()
        self._callbacks: list[Callable[[], None]] = []
        self.refusals = 0

    @property
    def problems(self) -> Iterator[Problem]:
        """Objects whose statuses somebody else overwrites, on the leader."""
        wait = f"{self._settings.calm / 60:g} minutes"
        for ref, who in sorted(self._overwritten.items()):
            expected = "one controller to write it"
            effect = f"it stays as it is, and is put right once in {wait}"
            yield Problem(ref, "StatusOverwritten", "status", who, expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `problems` have changed."""
        self._callbacks.append(callback)

    def want(self, statuses: Mapping[Ref, Status | None]) -> None:
        """Take the statuses of some objects, the others keep theirs; None for one that is gone.

        Cheap, in the number of objects that are named, and allowed while `run` does not run.
        Objects of members and kinds without a status of our making are left out.
        """
        for ref, status in statuses.items():
            kind = self._kinds.of_hub(ref)
            if kind is None or not kind.has_status:
                continue
            if status is None:
                self._wanted.pop(ref, None)
                self._forget(ref)
            elif self._wanted.get(ref) != status:
                self._wanted[ref] = dict(status)
                self._pending.add([ref])

    async def run(self) -> None:
        """Write until cancelled.

        What is wanted by then is read in pages, so start it when the first statuses are known.
        """
        self._refused.clear()
        listed = asyncio.Event()
        reflectors: list[Reflector] = []
        told: set[str] = set()

        def stands() -> None:
            for reflector in reflectors:
                # A hub that does not answer is waited for; one that says no is not.
                if reflector.trouble and not reflector.is_cut_off:
                    if reflector.trouble not in told:
                        log.warning("statuses are written unseen: %s", reflector.trouble)
                    told.add(reflector.trouble)
            if all(r.listed or (r.trouble and not r.is_cut_off) for r in reflectors):
                listed.set()

        for name, kind in self._kinds.items():
            if kind.has_status:
                collection = Statuses(kind)
                self._contents[name] = StatusContent(collection, self._look_at)
                reflectors.append(Reflector(collection, self._contents[name], stands))
        try:
            async with asyncio.TaskGroup() as group:
                for reflector in reflectors:
                    group.create_task(follow(reflector, self._api))
                await listed.wait()
                self._pending.add(self._wanted)
                group.create_task(self._pending.work(self._settle, self._settings.writers))
                group.create_task(self._retry())
        finally:
            # Whoever leads next sees anew.
            for known in (self._contents, self._right, self._put_right, self._overwritten):
                known.clear()
            self._tell()

    def _look_at(self, ref: Ref) -> None:
        """The hub shows something else of an object."""
        if ref not in self._wanted:
            return
        if self._differs(ref) and self._was_right(ref):
            later = self._settings.pause
            asyncio.get_running_loop().call_later(later, self._pending.add, [ref])
        elif self._differs(ref) or ref in self._overwritten:
            self._pending.add([ref])

    async def _settle(self, ref: Ref) -> None:
        """Bring one object's status to what is wanted."""
        kind = self._kinds.of_hub(ref)
        if ref not in self._wanted or kind is None:
            return
        known = self._shown(ref) is not None
        if known and not self._differs(ref):
            self._is_right(ref)
            return
        # Only an Ingress is emptied; another controller may have taken it over meanwhile.
        if not any(self._wanted[ref].values()):
            reply = await self._patience.ask(partial(self._api.request, "GET", kind.path_of(ref)))
            if not self._take(ref, reply) or not self._differs(ref):
                return
        if self._is_fought_over(ref):
            return
        reply = await self._patience.ask(
            partial(self._write, ref, kind), again=BUSY | {HTTPStatus.CONFLICT}
        )
        if self._take(ref, reply):
            self._is_right(ref)

    def _is_right(self, ref: Ref) -> None:
        """The hub shows what is wanted, unless another one is wanted by now."""
        self._refused.pop(ref, None)
        wanted, live = self._wanted.get(ref), self._shown(ref)
        if wanted is not None and live is not None and not self._differs(ref):
            self._right[ref] = live.uid, wanted
            if self._overwritten.pop(ref, None) is not None:
                self._tell()

    def _was_right(self, ref: Ref) -> bool:
        """Whether the hub has shown what is wanted now: else what differs is our own news.

        An object that was made anew has shown nothing yet.
        """
        live = self._shown(ref)
        return live is not None and self._right.get(ref) == (live.uid, self._wanted[ref])

    def _is_fought_over(self, ref: Ref) -> bool:
        """Whether to leave a status alone that somebody has made of ours; notes what is done."""
        live = self._shown(ref)
        if live is None or not self._was_right(ref):
            return False
        loop = asyncio.get_running_loop()
        who = live.others or "another fleetgate"
        before = self._put_right.get(ref)
        if before is None or loop.time() - before >= self._settings.calm:
            self._put_right[ref] = loop.time()
            log.warning("%s has overwritten the status of %s, it is put right", who, ref)
            return False
        if ref not in self._overwritten:
            loop.call_at(before + self._settings.calm, self._pending.add, [ref])
        if self._overwritten.get(ref) != who:
            self._overwritten[ref] = who
            self._tell()
        return True

    def _differs(self, ref: Ref) -> bool:
        live, wanted = self._shown(ref), self._wanted.get(ref)
        if live is None or wanted is None or live.status == wanted:
            return False
        # An Ingress that no gateway takes has an empty status here, and perhaps an address of
        # somebody else's there.
        return live.ours or any(wanted.values())

    def _shown(self, ref: Ref) -> Shown | None:
        content = self._contents.get(ref.kind)
        return content.get(ref) if content else None

    async def _write(self, ref: Ref, kind: Kind) -> Reply:
        wanted = self._wanted.get(ref)
        if wanted is None:
            # It went while the hub did not answer.
            return Reply(HTTPStatus.NOT_FOUND, b"")
        # The whole of it by JSON patch: what is not in it goes, which a merge patch would not do.
        patch = [{"op": "add", "path": "/status", "value": wanted}]
        return await self._api.request(
            "PATCH",
            f"{kind.path_of(ref)}/status",
            query=[("fieldManager", FIELD_MANAGER)],
            body=patch,
            content_type="application/json-patch+json",
        )

    def _take(self, ref: Ref, reply: Reply) -> bool:
        """Remember the object that the hub answered with, if it did."""
        content = self._contents[ref.kind]
        if reply.ok:
            content.take(ref, shown(reply.json()))
            return True
        if reply.status == HTTPStatus.NOT_FOUND:
            content.take(ref, None)
            self._refused.pop(ref, None)
            return False
        self.refusals += 1
        if self._refused.get(ref) != reply.message:
            self._refused[ref] = reply.message
            log.warning("the hub refuses the status of %s: %s", ref, reply.message)
        return False

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(self._settings.retry)
            self._pending.add(self._refused)

    def _forget(self, ref: Ref) -> None:
        self._right.pop(ref, None)
        self._put_right.pop(ref, None)
        self._refused.pop(ref, None)
        if self._overwritten.pop(ref, None) is not None:
            self._tell()

    def _tell(self) -> None:
        for callback in self._callbacks:
            callback()
