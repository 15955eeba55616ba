"""The sink of the hub: its leader's statuses and events."""

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
    """Writes statuses and events of the hub's objects while `run` runs.

    Every replica calls `want_statuses` and `want_events` at each turn, so that a replica that
    becomes the leader knows everything. Only the leader calls `run`, the only method that waits.
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
        """How many events wait for the budget."""
        return self._events.waiting

    @property
    def refusals(self) -> Mapping[str, int]:
        """How often the hub has refused to take a status, and an event."""
        return {"status": self._statuses.refusals, "event": self._events.refusals}

    @property
    def problems(self) -> Iterator[Problem]:
        """Problems of objects whose statuses another client overwrites, on the leader."""
        return self._statuses.problems

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `problems` have changed."""
        self._statuses.on_change(callback)

    def want_statuses(self, statuses: Mapping[Ref, Status | None]) -> None:
        """Take statuses, at least those that have changed; None for an object that is gone."""
        self._statuses.want(statuses)

    def want_events(self, problems: Iterable[Problem]) -> None:
        """Take all present problems."""
        self._events.want(problems)

    def changed(self, refs: Iterable[Ref]) -> None:
        """Take the objects with news on the hub: they may have been deleted and made again."""
        self._events.changed(refs)

    async def run(self) -> None:
        """Write until cancelled. Call it once the first statuses are known."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._statuses.run())
            group.create_task(self._events.run())
