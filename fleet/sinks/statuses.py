"""Writes the newest status of each object to the hub, with as few writes as possible.

The statuses on the hub are listed when writing starts, and watched from then on. So an object that
has its status already is not written, also not by the next leader, and a change by another client
is noticed at once.

A status that another client has overwritten is corrected once. If it is overwritten again, the
other client takes itself for the owner of the status. Then the status is left as it is for a while,
and a problem and the log say so. Otherwise both would overwrite each other all the time.
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
from fleet.sinks.live_statuses import (
    FIELD_MANAGER,
    LiveStatus,
    StatusCollection,
    StatusContent,
    live_status,
)
from fleet.sinks.pending import Pending

log = logging.getLogger(__name__)

Json: TypeAlias = Any
Status: TypeAlias = Mapping[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """How statuses are written; times are in seconds.

    A status that another client overwrites is corrected at most once each `calm`. The correction
    waits for `pause`: if another controller has taken the Ingress over, the news of that may come
    after the change of the status. A status that the hub has refused is sent again each `retry`.
    `writers` statuses are written at a time.
    """

    calm: float = 600.0
    pause: float = 2.0
    retry: float = 30.0
    writers: int = 8


class StatusWriter:
    """Writes the statuses that `want` was called with, while `run` runs.

    Call both in the event loop's thread. `refusals` counts the requests for a status that the hub
    has refused.
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
        self._right: dict[Ref, tuple[str, Status]] = {}  # by uid, the status that the hub has had
        self._corrected: dict[Ref, float] = {}  # when a status was last corrected
        self._overwritten: dict[Ref, str] = {}
        self._refused: dict[Ref, str] = {}
        self._pending: Pending[Ref] = Pending()
        self._callbacks: list[Callable[[], None]] = []
        self.refusals = 0

    @property
    def problems(self) -> Iterator[Problem]:
        """A problem for each object whose status another client overwrites, on the leader."""
        wait = f"{self._settings.calm / 60:g} minutes"
        for ref, who in sorted(self._overwritten.items()):
            expected = "one controller to write it"
            effect = f"it stays as it is, and is put right once in {wait}"
            yield Problem(ref, "StatusOverwritten", "status", who, expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `problems` have changed."""
        self._callbacks.append(callback)

    def want(self, statuses: Mapping[Ref, Status | None]) -> None:
        """Take the statuses of some objects; None for an object that is gone. O(these objects).

        Other objects keep their statuses. Members' objects, and kinds whose statuses fleetgate does
        not write, are ignored. It may be called while `run` does not run.
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
        """Write until cancelled. Call it once the first statuses are known."""
        self._refused.clear()
        listed = asyncio.Event()
        reflectors: list[Reflector] = []
        logged: set[str] = set()

        def check_reflectors() -> None:
            for reflector in reflectors:
                # Writing waits for a hub that does not answer. If the hub refuses the list, writing
                # starts without it.
                if reflector.trouble and not reflector.is_cut_off:
                    if reflector.trouble not in logged:
                        log.warning("statuses are written unseen: %s", reflector.trouble)
                    logged.add(reflector.trouble)
            if all(r.listed or (r.trouble and not r.is_cut_off) for r in reflectors):
                listed.set()

        for name, kind in self._kinds.items():
            if kind.has_status:
                collection = StatusCollection(kind)
                self._contents[name] = StatusContent(collection, self._look_at)
                reflectors.append(Reflector(collection, self._contents[name], check_reflectors))
        try:
            async with asyncio.TaskGroup() as group:
                for reflector in reflectors:
                    group.create_task(follow(reflector, self._api))
                await listed.wait()
                self._pending.add(self._wanted)
                group.create_task(self._pending.work(self._settle, self._settings.writers))
                group.create_task(self._retry())
        finally:
            # If this replica leads again, it lists the statuses again.
            for known in (self._contents, self._right, self._corrected, self._overwritten):
                known.clear()
            self._call_back()

    def _look_at(self, ref: Ref) -> None:
        """Write an object's status again if its status on the hub has become another one."""
        if ref not in self._wanted:
            return
        if self._differs(ref) and self._was_right(ref):
            later = self._settings.pause
            asyncio.get_running_loop().call_later(later, self._pending.add, [ref])
        elif self._differs(ref) or ref in self._overwritten:
            self._pending.add([ref])

    async def _settle(self, ref: Ref) -> None:
        """Write one object's status if the hub does not have it."""
        kind = self._kinds.of_hub(ref)
        if ref not in self._wanted or kind is None:
            return
        known = self._live(ref) is not None
        if known and not self._differs(ref):
            self._is_right(ref)
            return
        # An empty status is wanted of an Ingress that no gateway takes. Another controller may have
        # taken the Ingress over and written a status, so the present one is read first.
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
        """Note that the hub has the wanted status, unless another one is wanted by now."""
        self._refused.pop(ref, None)
        wanted, live = self._wanted.get(ref), self._live(ref)
        if wanted is not None and live is not None and not self._differs(ref):
            self._right[ref] = live.uid, wanted
            if self._overwritten.pop(ref, None) is not None:
                self._call_back()

    def _was_right(self, ref: Ref) -> bool:
        """Whether the hub has had the wanted status, so that another client has changed it.

        It is False for an object that was deleted and made again.
        """
        live = self._live(ref)
        return live is not None and self._right.get(ref) == (live.uid, self._wanted[ref])

    def _is_fought_over(self, ref: Ref) -> bool:
        """Whether to leave a status alone that another client overwrites again and again.

        Notes and logs a correction, and notes the problem.
        """
        live = self._live(ref)
        if live is None or not self._was_right(ref):
            return False
        loop = asyncio.get_running_loop()
        who = live.others or "another fleetgate"
        before = self._corrected.get(ref)
        if before is None or loop.time() - before >= self._settings.calm:
            self._corrected[ref] = loop.time()
            log.warning("%s has overwritten the status of %s, it is put right", who, ref)
            return False
        if ref not in self._overwritten:
            loop.call_at(before + self._settings.calm, self._pending.add, [ref])
        if self._overwritten.get(ref) != who:
            self._overwritten[ref] = who
            self._call_back()
        return True

    def _differs(self, ref: Ref) -> bool:
        live, wanted = self._live(ref), self._wanted.get(ref)
        if live is None or wanted is None or live.status == wanted:
            return False
        # The wanted status of an Ingress that no gateway takes is empty. Its status on the hub may
        # be another controller's, and then it is left alone.
        return live.ours or any(wanted.values())

    def _live(self, ref: Ref) -> LiveStatus | None:
        content = self._contents.get(ref.kind)
        return content.get(ref) if content else None

    async def _write(self, ref: Ref, kind: Kind) -> Reply:
        wanted = self._wanted.get(ref)
        if wanted is None:
            # The object was deleted while the hub did not answer.
            return Reply(HTTPStatus.NOT_FOUND, b"")
        # A JSON patch replaces the whole status. A merge patch would leave fields that are not in
        # the new one.
        patch = [{"op": "add", "path": "/status", "value": wanted}]
        return await self._api.request(
            "PATCH",
            f"{kind.path_of(ref)}/status",
            query=[("fieldManager", FIELD_MANAGER)],
            body=patch,
            content_type="application/json-patch+json",
        )

    def _take(self, ref: Ref, reply: Reply) -> bool:
        """Take in the object of the hub's answer; False if the answer is an error."""
        content = self._contents[ref.kind]
        if reply.ok:
            content.take(ref, live_status(reply.json()))
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
        self._corrected.pop(ref, None)
        self._refused.pop(ref, None)
        if self._overwritten.pop(ref, None) is not None:
            self._call_back()

    def _call_back(self) -> None:
        for callback in self._callbacks:
            callback()
