"""Writes problems as events of their objects, for `kubectl describe` and `kubectl get events`.

Each problem of an object has one event, whose name is derived from both. So a leader finds the
events of the former leader, and does not write them again. The API server deletes events after a
time, by default after an hour. So the event of a lasting problem is repeated before that, and the
event of a solved one is left to the API server.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fleet.kinds import Kinds
from fleet.kubernetes.connection import ApiServer, Reply
from fleet.kubernetes.patience import Patience
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sinks.budget import Budget
from fleet.sinks.pages import items
from fleet.sinks.pending import Pending

log = logging.getLogger(__name__)

Json: TypeAlias = Any

COMPONENT: Final = "fleetgate"
"""The component that every event names as its reporter."""

LONGEST_MESSAGE: Final = 1024
"""The most bytes of an event's message that an API server accepts."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How often events are written.

    The event of a lasting problem is repeated after `lasting`. The event of a problem that was
    solved and is back is repeated at most once in `returning`, however often that happens. Every
    `look`, the writer checks which events are due. `writers` events are written at a time.

    `burst` events are written at once, then `per_second`, since one cause may give a problem to
    thousands of objects. Events of objects without a namespace, such as gateways, are few and do
    not wait.
    """

    lasting: timedelta = timedelta(minutes=30)
    returning: timedelta = timedelta(minutes=1)
    look: timedelta = timedelta(minutes=5)
    writers: int = 4
    burst: int = 100
    per_second: float = 5.0


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """The content of an event: the object, the reason in one word, the message, and the type."""

    at: Ref
    reason: str
    message: str
    type: str = "Warning"

    def event_name(self, uid: str) -> str:
        """The event's name. An object that was deleted and made again has other events."""
        content = "\0".join((self.at.kind, uid, self.reason, self.message))
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        return f"{self.at.name[:200].rstrip('.-')}.{digest}"

    @property
    def events(self) -> str:
        """The path of the object's events, which are in `default` if it has no namespace."""
        return f"/api/v1/namespaces/{self.at.namespace or 'default'}/events"


@dataclass(frozen=True, slots=True)
class _Written:
    """An event on the hub: the uid of its object, its count, and its last time."""

    uid: str
    count: int
    last: datetime


class EventWriter:
    """Writes events for the problems that `want` was last called with, while `run` runs.

    Call both in the event loop's thread. `instance` names this process among the replicas.
    `refusals` counts the events that the hub has refused.
    """

    def __init__(
        self,
        api: ApiServer,
        kinds: Kinds,
        patience: Patience,
        instance: str,
        settings: EventSettings | None = None,
    ) -> None:
        self._api = api
        self._kinds = kinds
        self._patience = patience
        self._instance = instance
        self._settings = settings or EventSettings()
        self._standing: frozenset[Notice] = frozenset()
        self._returned: set[Notice] = set()
        self._unread: set[Notice] = set()
        self._written: dict[Notice, _Written] = {}
        self._refused: set[tuple[str, int]] = set()
        self._pending: Pending[Notice] = Pending()
        self._at_once: Pending[Notice] = Pending()  # these do not wait for the budget
        self._budget = Budget(
            "events", self._settings.burst, self._settings.per_second, time.monotonic
        )
        self._waiting = 0
        self.refusals = 0

    @property
    def waiting(self) -> int:
        """How many events are due and wait for the budget."""
        return self._waiting and self._waiting + len(self._pending)

    def want(self, problems: Iterable[Problem]) -> None:
        """Take all present problems. O(problems).

        Problems of members' objects have no event, since nothing is written to members. A problem
        that follows from a problem of another object has none either.
        """
        standing = frozenset(
            Notice(
                problem.at,
                problem.reason,
                _fitting(problem.message),
                problem.severity.event_type,
            )
            for problem in problems
            if self._kinds.of_hub(problem.at) and not problem.because
        )
        new = standing - self._standing
        self._standing = standing
        self._returned = (self._returned | new) & standing
        self._unread &= standing
        self._add(new)

    def changed(self, refs: Iterable[Ref]) -> None:
        """Check whether these objects were deleted and made again, and then write their events.

        Without this call, that would be found when the events are repeated, after `lasting`.
        """
        touched = set(refs)
        again = {notice for notice in self._standing if notice.at in touched}
        self._unread |= again
        self._add(again)

    async def run(self) -> None:
        """Write until cancelled."""
        self._returned.clear()
        self._unread.clear()
        self._refused.clear()
        self._written = await self._on_the_hub()
        async with asyncio.TaskGroup() as group:
            for pending in (self._pending, self._at_once):
                group.create_task(pending.work(self._settle, self._settings.writers))
            group.create_task(self._remind())

    def _add(self, notices: Iterable[Notice]) -> None:
        for notice in sorted(notices):
            pending = self._pending if notice.at.namespace else self._at_once
            pending.add([notice])

    async def _remind(self) -> None:
        """Check all standing problems again and again, and forget events that are long deleted."""
        while True:
            self._add(self._standing)
            await asyncio.sleep(self._settings.look.total_seconds())
            self._written = {
                notice: written
                for notice, written in self._written.items()
                if notice in self._standing or _apart(written.last) < 2 * self._settings.lasting
            }

    async def _settle(self, notice: Notice) -> None:
        """Write or repeat one event if it is due."""
        if notice not in self._standing:
            return
        written, unread = self._written.get(notice), notice in self._unread
        due = written is None or self._due(notice, written)
        if due and notice.at.namespace:
            await self._afford()
            if notice not in self._standing:
                return  # the problem was solved while its event waited
        if due or unread:
            self._unread.discard(notice)
            uid = await self._uid(notice.at)
            if uid is None:
                return
            if written is None or written.uid != uid:
                await self._create(notice, uid)
            elif due:
                await self._repeat(notice, written)
        self._returned.discard(notice)

    async def _afford(self) -> None:
        self._waiting += 1
        try:
            await self._budget.take()
        finally:
            self._waiting -= 1

    def _due(self, notice: Notice, written: _Written) -> bool:
        returned = notice in self._returned
        wait = self._settings.returning if returned else self._settings.lasting
        return _apart(written.last) >= wait

    async def _uid(self, ref: Ref) -> str | None:
        """The uid of an object; None if it is gone or cannot be read."""
        path = self._kinds[ref.kind].path_of(ref)
        reply = await self._patience.ask(partial(self._api.request, "GET", path))
        if not reply.ok:
            self._refusal(ref, reply)
            return None
        return str(reply.json()["metadata"]["uid"])

    async def _create(self, notice: Notice, uid: str) -> None:
        """Create an event that this process does not know."""
        api_version = self._kinds[notice.at.kind].api_version
        event = _event(notice, api_version, uid, self._instance, datetime.now(UTC))
        post = partial(self._api.request, "POST", notice.events, body=event)
        reply = await self._patience.ask(post)
        if reply.ok:
            self._remember(reply.json())
        elif reply.status == HTTPStatus.CONFLICT:
            # The list at the start did not have the event, or the former leader has added it.
            path = f"{notice.events}/{notice.event_name(uid)}"
            reply = await self._patience.ask(partial(self._api.request, "GET", path))
            if reply.ok:
                self._remember(reply.json())
        else:
            self._refusal(notice.at, reply)

    async def _repeat(self, notice: Notice, written: _Written) -> None:
        """Increase an event's count; create the event again if the API server has deleted it."""
        patch = {
            "count": written.count + 1,
            "lastTimestamp": _text(datetime.now(UTC)),
            "reportingInstance": self._instance,
        }
        path = f"{notice.events}/{notice.event_name(written.uid)}"
        ask = partial(
            self._api.request,
            "PATCH",
            path,
            body=patch,
            content_type="application/merge-patch+json",
        )
        reply = await self._patience.ask(ask)
        if reply.ok:
            self._remember(reply.json())
        elif reply.status == HTTPStatus.NOT_FOUND:
            await self._create(notice, written.uid)
        else:
            self._refusal(notice.at, reply)

    def _refusal(self, at: Ref, reply: Reply) -> None:
        """Count a refusal, and log the first one of each namespace and status.

        An object that is gone (404) is no refusal.
        """
        if reply.status == HTTPStatus.NOT_FOUND:
            return
        self.refusals += 1
        sort = (at.namespace, reply.status)
        if sort not in self._refused:
            self._refused.add(sort)
            log.warning("the hub refuses an event of %s: %s", at, reply.message)

    async def _on_the_hub(self) -> dict[Notice, _Written]:
        """The events that any replica has written before."""
        newest: dict[Notice, _Written] = {}
        ours = [("fieldSelector", f"reportingComponent={COMPONENT}")]
        async for item in items(self._api, self._patience, "/api/v1/events", ours):
            if (read := _read(item)) is None:
                continue
            notice, written = read
            if notice not in newest or newest[notice].last < written.last:
                newest[notice] = written
        return newest

    def _remember(self, event: Json) -> None:
        if read := _read(event):
            notice, written = read
            self._written[notice] = written


def _event(notice: Notice, api_version: str, uid: str, instance: str, now: datetime) -> Json:
    ref = notice.at
    namespace = {"namespace": ref.namespace} if ref.namespace else {}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": notice.event_name(uid), "namespace": ref.namespace or "default"},
        "type": notice.type,
        "involvedObject": {
            "apiVersion": api_version,
            "kind": ref.kind,
            **namespace,
            "name": ref.name,
            "uid": uid,
        },
        "reason": notice.reason,
        "message": notice.message,
        "count": 1,
        "firstTimestamp": _text(now),
        "lastTimestamp": _text(now),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": instance,
    }


def _read(event: Json) -> tuple[Notice, _Written] | None:
    """Read an event of the hub; None if it is none of fleetgate's: anyone can use its name."""
    try:
        about = event["involvedObject"]
        at = Ref(HUB, about["kind"], about.get("namespace", ""), about["name"])
        last = datetime.fromisoformat(event["lastTimestamp"])
        notice = Notice(at, event["reason"], event["message"], event["type"])
        return notice, _Written(about["uid"], event["count"], last)
    except (KeyError, TypeError, ValueError):
        return None


def _apart(moment: datetime) -> timedelta:
    """The time between a moment and now. It is absolute: an event may be dated in the future."""
    return abs(datetime.now(UTC) - moment)


def _fitting(message: str) -> str:
    encoded = message.encode()
    if len(encoded) <= LONGEST_MESSAGE:
        return message
    return encoded[: LONGEST_MESSAGE - 3].decode(errors="ignore") + "..."


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
