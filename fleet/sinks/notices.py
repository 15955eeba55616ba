"""Problems as events of the objects that they are about, for `kubectl describe` and `get events`.

One event for each problem of an object, under a name that follows from both: what one leader has
written the next one finds, and does not write again. A problem that is solved leaves its event to
the API server, which forgets events after a while, by default an hour; one that lasts is said again
before that.
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
"""Who reports, in every event."""

LONGEST_MESSAGE: Final = 1024
"""Bytes of a message that every API server takes."""


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How often one event is written.

    `lasting` is for a problem that stands all the time, `returning` for one that was solved and is
    back: however fast it comes and goes, its event is written once in that time. `look` is how
    often the problems that stand are looked at, `writers` the number of events at a time.

    `burst` events are written at once, then `per_second`: one cause may be a problem of thousands
    of objects. Those of objects without a namespace, such as gateways, are few and wait for nobody.
    """

    lasting: timedelta = timedelta(minutes=30)
    returning: timedelta = timedelta(minutes=1)
    look: timedelta = timedelta(minutes=5)
    writers: int = 4
    burst: int = 100
    per_second: float = 5.0


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """What an event says: the object, the reason in one word, the sentence, and its type."""

    at: Ref
    reason: str
    message: str
    type: str = "Warning"

    def event_name(self, uid: str) -> str:
        """The event's name; an object that was made anew has new events."""
        told = "\0".join((self.at.kind, uid, self.reason, self.message))
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        return f"{self.at.name[:200].rstrip('.-')}.{digest}"

    @property
    def events(self) -> str:
        """The path of the events: an object without a namespace has its own in `default`."""
        return f"/api/v1/namespaces/{self.at.namespace or 'default'}/events"


@dataclass(frozen=True, slots=True)
class _Written:
    """An event on the hub: its object's uid, how often it was said, and when last."""

    uid: str
    count: int
    last: datetime


class EventWriter:
    """Writes events for the problems that `want` was last told, while `run` runs.

    Call both in the event loop's thread. `instance` names this process among the replicas.
    `refusals` is how often the hub has refused an event.
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
        self._at_once: Pending[Notice] = Pending()  # whatever waits for the budget
        self._budget = Budget(
            "events", self._settings.burst, self._settings.per_second, time.monotonic
        )
        self._waiting = 0
        self.refusals = 0

    @property
    def waiting(self) -> int:
        """How many events are due and have to wait, since many were written a moment ago."""
        return self._waiting and self._waiting + len(self._pending)

    def want(self, problems: Iterable[Problem]) -> None:
        """Take all problems that stand now. O(problems).

        Those of members' objects have no event, for nothing is written to members; neither have
        those that follow from a problem of another object.
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
        come = standing - self._standing
        self._standing = standing
        self._returned = (self._returned | come) & standing
        self._unread &= standing
        self._add(come)

    def changed(self, refs: Iterable[Ref]) -> None:
        """Look whether these objects are still the same ones; without it, after `lasting`."""
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
        """Come back to the problems that stand, and forget what the API server forgets too."""
        while True:
            self._add(self._standing)
            await asyncio.sleep(self._settings.look.total_seconds())
            self._written = {
                notice: written
                for notice, written in self._written.items()
                if notice in self._standing or _apart(written.last) < 2 * self._settings.lasting
            }

    async def _settle(self, notice: Notice) -> None:
        """Write one event, if it is time."""
        if notice not in self._standing:
            return
        written, unread = self._written.get(notice), notice in self._unread
        due = written is None or self._due(notice, written)
        if due and notice.at.namespace:
            await self._afford()
            if notice not in self._standing:
                return  # it was solved meanwhile
        if due or unread:
            self._unread.discard(notice)
            uid = await self._uid(notice.at)
            if uid is None:
                return
            if written is None or written.uid != uid:
                await self._say(notice, uid)
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
        """The object's identity; None where it is gone, or may not be read."""
        path = self._kinds[ref.kind].path_of(ref)
        reply = await self._patience.ask(partial(self._api.request, "GET", path))
        if not reply.ok:
            self._refusal(ref, reply)
            return None
        return str(reply.json()["metadata"]["uid"])

    async def _say(self, notice: Notice, uid: str) -> None:
        """Write the event for the first time, as far as this process knows."""
        api_version = self._kinds[notice.at.kind].api_version
        event = _event(notice, api_version, uid, self._instance, datetime.now(UTC))
        post = partial(self._api.request, "POST", notice.events, body=event)
        reply = await self._patience.ask(post)
        if reply.ok:
            self._remember(reply.json())
        elif reply.status == HTTPStatus.CONFLICT:
            # Older than what was listed, or a leader that was on its way out has written it.
            path = f"{notice.events}/{notice.event_name(uid)}"
            reply = await self._patience.ask(partial(self._api.request, "GET", path))
            if reply.ok:
                self._remember(reply.json())
        else:
            self._refusal(notice.at, reply)

    async def _repeat(self, notice: Notice, written: _Written) -> None:
        """Raise the event's count; one that the API server has forgotten is written anew."""
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
            await self._say(notice, written.uid)
        else:
            self._refusal(notice.at, reply)

    def _refusal(self, at: Ref, reply: Reply) -> None:
        """Log the first one of each sort and namespace; an object that is gone is no refusal."""
        if reply.status == HTTPStatus.NOT_FOUND:
            return
        self.refusals += 1
        sort = (at.namespace, reply.status)
        if sort not in self._refused:
            self._refused.add(sort)
            log.warning("the hub refuses an event of %s: %s", at, reply.message)

    async def _on_the_hub(self) -> dict[Notice, _Written]:
        """What was written before, by whichever replica."""
        found: dict[Notice, _Written] = {}
        ours = [("fieldSelector", f"reportingComponent={COMPONENT}")]
        async for item in items(self._api, self._patience, "/api/v1/events", ours):
            if (read := _read(item)) is None:
                continue
            notice, written = read
            if notice not in found or found[notice].last < written.last:
                found[notice] = written
        return found

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
    """None for what is not of our making: anybody may write an event in fleetgate's name."""
    try:
        about = event["involvedObject"]
        at = Ref(HUB, about["kind"], about.get("namespace", ""), about["name"])
        last = datetime.fromisoformat(event["lastTimestamp"])
        notice = Notice(at, event["reason"], event["message"], event["type"])
        return notice, _Written(about["uid"], event["count"], last)
    except (KeyError, TypeError, ValueError):
        return None


def _apart(moment: datetime) -> timedelta:
    """How far from now, before or after: anybody may write an event that is dated ahead."""
    return abs(datetime.now(UTC) - moment)


def _fitting(message: str) -> str:
    encoded = message.encode()
    if len(encoded) <= LONGEST_MESSAGE:
        return message
    return encoded[: LONGEST_MESSAGE - 3].decode(errors="ignore") + "..."


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
