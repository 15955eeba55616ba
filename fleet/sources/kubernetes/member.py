"""One member: its Services and their endpoints, and its Pods' labels where they are asked for."""

from collections.abc import Sequence
from typing import Final, Never

from fleet.events import Event
from fleet.kinds import ENDPOINT_SLICE, POD, SERVICE
from fleet.kubernetes.collection import Collection
from fleet.sources.kubernetes.objects import Objects, Say
from fleet.sources.kubernetes.reading import Connect, OriginState, Reading

SERVICES: Final = Collection(SERVICE)
SLICES: Final = Collection(ENDPOINT_SLICE, label_selector="kubernetes.io/service-name")
PODS: Final = Collection(
    POD,
    # Those that have ended, as Jobs' do, have no endpoints.
    field_selector="status.phase!=Succeeded,status.phase!=Failed",
)


class Member:
    """Says what a member holds, until it is retired.

    `has_answered` is whether it has listed, or is known not to be able to.
    """

    def __init__(self, name: str, connect: Connect, say: Say) -> None:
        self.has_answered = False
        self._name = name
        self._emit: Say | None = say
        self._reading = Reading(name, connect, self._stand)
        for collection in (SERVICES, SLICES):
            self._reading.follow(collection, Objects(collection, name, self._say))
        self._pods: Objects | None = None

    @property
    def loads(self) -> int:
        """How often a collection was read as a whole."""
        return self._reading.loads

    def need_labels(self, *, needed: bool) -> None:
        """Read Pods too, or no longer."""
        if needed and self._pods is None:
            self._pods = Objects(PODS, self._name, self._say)
            self._reading.follow(PODS, self._pods)
        elif not needed and self._pods is not None:
            self._reading.leave(PODS)
            self._pods.forget()
            self._pods = None

    def renew(self, connect: Connect) -> None:
        """Reach it by other credentials from now on; what it holds stays."""
        self._reading.renew(connect)

    def retire(self) -> None:
        """Say nothing any more: the member is gone."""
        self._emit = None
        self._reading.retire()

    async def run(self) -> Never:
        """Read until cancelled."""
        await self._reading.run()

    async def refresh(self) -> None:
        """Return when what it held at the time of the call has been said, or that it is lost."""
        await self._reading.refresh()

    def _stand(self, standing: OriginState) -> None:
        self.has_answered = True
        self._say([standing])

    def _say(self, events: Sequence[Event]) -> None:
        if self._emit is not None:
            self._emit(events)
