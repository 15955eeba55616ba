"""Gateways whose new members are still unread: until they are known, what was in force stays so.

A member is read from its attachment on. A gateway that was said at once would have nobody behind it
until that member has listed: requests would fail, and every Service would be said to be missing.

    hub ──▶ gateway with a new member ──waits──▶ said, once the member has listed, cannot be read,
                                                 or has had its time
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from fleet.events import Deleted, Event, Refused, Upserted
from fleet.kinds import Kinds
from fleet.ref import Ref
from fleet.sources.kubernetes.objects import Say

log = logging.getLogger(__name__)

PATIENCE: Final = timedelta(seconds=10)
"""So long a gateway waits for the members that are newly attached to it."""

Members: TypeAlias = frozenset[str]


@dataclass(slots=True)
class _Waiting:
    """The newest version of a gateway's object, and the complaints about a later one."""

    events: tuple[Event, ...]
    awaited: Members
    timer: asyncio.TimerHandle


class Attaching:
    """Passes on what the hub says, gateways once their newly attached members are known.

    `unread` says which of some members are read and have not answered yet. `on_due` is called when
    a gateway has waited for `patience`.
    """

    def __init__(
        self,
        kinds: Kinds,
        say: Say,
        unread: Callable[[Members], Members],
        patience: timedelta,
        on_due: Callable[[], None],
    ) -> None:
        self._kinds = kinds
        self._say = say
        self._unread = unread
        self._patience = patience.total_seconds()
        self._on_due = on_due
        self._in_force: dict[Ref, Members] = {}
        self._waiting: dict[Ref, _Waiting] = {}

    @property
    def in_force(self) -> Members:
        """The members that gateways are attached to by what has been said of them."""
        return frozenset().union(*self._in_force.values())

    @property
    def is_waiting(self) -> bool:
        """Whether some gateway waits."""
        return bool(self._waiting)

    def hear(self, events: Sequence[Event]) -> None:
        """Say all of this that need not wait."""
        self._pass_on([event for event in events if not self._holds_back(event)])

    def settle(self) -> None:
        """Say the gateways that need not wait any more."""
        ready = [ref for ref, held in self._waiting.items() if not self._unread(held.awaited)]
        self._pass_on([event for ref in ready for event in self._take(ref)])

    def retire(self) -> None:
        """Say nothing any more."""
        for ref in list(self._waiting):
            self._take(ref)

    def _holds_back(self, event: Event) -> bool:
        match event:
            case Upserted(ref, value) if self._kinds.declares_gateway(ref):
                new = frozenset(self._kinds.attached(value)) - self._in_force.get(ref, frozenset())
                return self._hold_back(event, self._unread(new))
            case Refused(ref) if ref in self._waiting:
                held = self._waiting[ref]
                held.events = (held.events[0], event)
                return True
            case Deleted(ref):
                self._take(ref)
        return False

    def _hold_back(self, event: Upserted, unread: Members) -> bool:
        """Have a gateway wait for members in place of its older version; False if for none."""
        ref, before = event.ref, self._waiting.get(event.ref)
        if not unread:
            self._take(ref)
            return False
        if before is not None and unread <= before.awaited:
            before.events = (event,)  # changes do not make it wait longer
            return True
        self._take(ref)
        log.info("%s waits for %s to be read", ref, ", ".join(sorted(unread)))
        timer = asyncio.get_running_loop().call_later(self._patience, self._give_up, ref)
        self._waiting[ref] = _Waiting((event,), unread, timer)
        return True

    def _give_up(self, ref: Ref) -> None:
        held = self._waiting[ref]
        missing = ", ".join(sorted(self._unread(held.awaited)))
        log.warning("%s does without %s: not read in time", ref, missing)
        held.awaited = frozenset()
        self._on_due()

    def _take(self, ref: Ref) -> tuple[Event, ...]:
        """What waits of a gateway; it waits no more."""
        held = self._waiting.pop(ref, None)
        if held is None:
            return ()
        held.timer.cancel()
        return held.events

    def _pass_on(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Upserted(ref, value) if self._kinds.declares_gateway(ref):
                    self._in_force[ref] = frozenset(self._kinds.attached(value))
                case Deleted(ref):
                    self._in_force.pop(ref, None)
        if events:
            self._say(events)
