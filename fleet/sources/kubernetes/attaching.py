"""Holds back a gateway's object until the members that it newly attaches have been read.

A member is read only once a gateway is attached to it. If the gateway were emitted at once, it
would have no endpoints until the member has listed: requests would fail, and every Service would be
reported as missing. Until then the gateway's former version stays in force.

    hub ──▶ gateway with a new member ──waits──▶ emitted once the member has listed, is known to be
                                                 unreachable, or has taken too long
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from fleet.events import Deleted, Emit, Event, Refused, Upserted
from fleet.kinds import Kinds
from fleet.ref import Ref

log = logging.getLogger(__name__)

PATIENCE: Final = timedelta(seconds=10)
"""The longest time that a gateway waits for the members that are newly attached to it."""

Members: TypeAlias = frozenset[str]


@dataclass(slots=True)
class _Waiting:
    """A gateway that waits.

    `events` are the newest version of its object and, if a later one was refused, the Refused.
    """

    events: tuple[Event, ...]
    awaited: Members
    timer: asyncio.TimerHandle


class Attaching:
    """Passes on the hub's events, and those of gateways once their new members have answered.

    `unread` gives those of some members that are read and have not answered yet. `on_due` is called
    when a gateway has waited for `patience`.
    """

    def __init__(
        self,
        kinds: Kinds,
        emit: Emit,
        unread: Callable[[Members], Members],
        patience: timedelta,
        on_due: Callable[[], None],
    ) -> None:
        self._kinds = kinds
        self._emit = emit
        self._unread = unread
        self._patience = patience.total_seconds()
        self._on_due = on_due
        self._in_force: dict[Ref, Members] = {}
        self._waiting: dict[Ref, _Waiting] = {}

    @property
    def in_force(self) -> Members:
        """The members that gateways are attached to, by the objects that were passed on."""
        return frozenset().union(*self._in_force.values())

    @property
    def is_waiting(self) -> bool:
        """Whether any gateway waits."""
        return bool(self._waiting)

    def hear(self, events: Sequence[Event]) -> None:
        """Pass on those of the hub's events that need not wait."""
        self._pass_on([event for event in events if not self._holds_back(event)])

    def settle(self) -> None:
        """Pass on the gateways that need not wait any longer."""
        ready = [ref for ref, held in self._waiting.items() if not self._unread(held.awaited)]
        self._pass_on([event for ref in ready for event in self._take(ref)])

    def retire(self) -> None:
        """Drop all waiting gateways."""
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
        """Make a gateway wait for unread members in place of its older version.

        Gives False if there are none.
        """
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
        """End the wait of a gateway, and give its events."""
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
            self._emit(events)
