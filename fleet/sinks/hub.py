"""Everything that fleetgate says on the hub, for whoever leads."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping

from fleet.kinds import Kinds
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.patience import Patience
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.sinks.notices import EventSettings, EventWriter
from fleet.sinks.statuses import Status, StatusSettings, StatusWriter


class HubSink:
    """Statuses and events of the hub's objects, written while `run` runs.

    Every replica calls `want` at each turn, so that the one that comes to lead knows everything;
    only the leader runs `run`. Nothing here waits but `run`.
    """

    def __init__(
        self,
        api: ApiServer,
        kinds: Kinds,
        instance: str,
        statuses: StatusSettings | None = None,
        events: EventSettings | None = None,
    ) -> None:
        patience = Patience("the writing of statuses and events")
        self._statuses = StatusWriter(api, kinds, patience, statuses)
        self._events = EventWriter(api, kinds, patience, instance, events)

    @property
    def events_waiting(self) -> int:
        """How many events wait, since many were written a moment ago."""
        return self._events.waiting

    @property
    def refusals(self) -> Mapping[str, int]:
        """How often the hub has refused a status, and an event."""
        return {"status": self._statuses.refusals, "event": self._events.refusals}

    @property
    def problems(self) -> Iterator[Problem]:
        """What goes wrong in the writing itself, on the leader."""
        return self._statuses.problems

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `problems` have changed."""
        self._statuses.on_change(callback)

    def want_statuses(self, statuses: Mapping[Ref, Status | None]) -> None:
        """Take the statuses that have changed, or more of them; None for an object that is gone."""
        self._statuses.want(statuses)

    def want_events(self, problems: Iterable[Problem]) -> None:
        """Take all problems that stand now."""
        self._events.want(problems)

    def changed(self, refs: Iterable[Ref]) -> None:
        """Take the objects that the hub has said something about: they may have been made anew."""
        self._events.changed(refs)

    async def run(self) -> None:
        """Write until cancelled; start it when the first statuses are known."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._statuses.run())
            group.create_task(self._events.run())
