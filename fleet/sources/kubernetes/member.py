"""Reads one member: Services, EndpointSlices and, if an Ingress selects Pods by label, Pods."""

from collections.abc import Sequence
from typing import Final, Never

from fleet.events import Emit, Event
from fleet.kinds import ENDPOINT_SLICE, POD, SERVICE
from fleet.kubernetes.collection import Collection
from fleet.sources.kubernetes.objects import Objects
from fleet.sources.kubernetes.reading import Connect, OriginReader, OriginState

SERVICES: Final = Collection(SERVICE)
SLICES: Final = Collection(ENDPOINT_SLICE, label_selector="kubernetes.io/service-name")
PODS: Final = Collection(
    POD,
    # Pods that have ended, such as those of Jobs, have no endpoints.
    field_selector="status.phase!=Succeeded,status.phase!=Failed",
)


class MemberReader:
    """Emits the objects of a member until it is retired.

    `has_answered` is whether the member has listed, or has turned out to be unreachable.
    """

    def __init__(self, name: str, connect: Connect, emit: Emit) -> None:
        self.has_answered = False
        self._name = name
        self._emit: Emit | None = emit
        self._reading = OriginReader(name, connect, self._take_state)
        for collection in (SERVICES, SLICES):
            self._reading.follow(collection, Objects(collection, name, self._forward))
        self._pods: Objects | None = None

    @property
    def loads(self) -> int:
        """How often a collection was read as a whole."""
        return self._reading.loads

    def need_labels(self, *, needed: bool) -> None:
        """Start or stop reading Pods."""
        if needed and self._pods is None:
            self._pods = Objects(PODS, self._name, self._forward)
            self._reading.follow(PODS, self._pods)
        elif not needed and self._pods is not None:
            self._reading.leave(PODS)
            self._pods.forget()
            self._pods = None

    def renew(self, connect: Connect) -> None:
        """Use other credentials from now on; the objects that were read stay."""
        self._reading.renew(connect)

    def retire(self) -> None:
        """Emit nothing any more, since the member is gone."""
        self._emit = None
        self._reading.retire()

    async def run(self) -> Never:
        """Read until cancelled."""
        await self._reading.run()

    async def refresh(self) -> None:
        """Return when every object that existed at the call was emitted, or it is unreachable."""
        await self._reading.refresh()

    def _take_state(self, state: OriginState) -> None:
        self.has_answered = True
        self._forward([state])

    def _forward(self, events: Sequence[Event]) -> None:
        if self._emit is not None:
            self._emit(events)
