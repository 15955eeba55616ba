"""Reads one member: Services, EndpointSlices and, where these are needed, Pods and Nodes.

Pods are needed if an Ingress selects them by label, Nodes if requests are sent to node ports.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Never

from fleet.events import Configured, Emit, Event
from fleet.kinds import ENDPOINT_SLICE, NODE, POD, SERVICE
from fleet.kubernetes.collection import Collection, Forbidden
from fleet.kubernetes.connection import ApiServer
from fleet.member_settings import Addressing, MemberSettings
from fleet.sources.kubernetes.objects import Objects
from fleet.sources.kubernetes.reading import Connect, OriginReader, OriginState

SERVICES: Final = Collection(SERVICE)
SLICES: Final = Collection(ENDPOINT_SLICE, label_selector="kubernetes.io/service-name")
PODS: Final = Collection(
    POD,
    # Pods that have ended, such as those of Jobs, have no endpoints.
    field_selector="status.phase!=Succeeded,status.phase!=Failed",
)
NODES: Final = Collection(NODE)


class MemberReader:
    """Emits the objects and the settings of a member until it is retired.

    `in_force` are settings that were emitted before, by a source that remembers them.
    `has_answered` is whether the member has listed, or has turned out to be unreachable.
    """

    def __init__(
        self, name: str, connect: Connect, emit: Emit, in_force: MemberSettings | None = None
    ) -> None:
        self.has_answered = False
        self._name = name
        self._emit: Emit | None = emit
        self._reading = OriginReader(name, connect, self._take_state)
        for collection in (SERVICES, SLICES):
            self._reading.follow(collection, Objects(collection, name, self._forward))
        self._pods: Objects | None = None
        self._nodes: _Nodes | None = None
        self._declared = MemberSettings()
        self._in_force = in_force

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

    def configure(self, settings: MemberSettings) -> None:
        """Emit the settings, and start or stop reading nodes.

        A member that turns to node ports would have no endpoint until its nodes have been read. So
        its requests are sent as before until then.
        """
        self._declared = settings
        needed, nodes = settings.addressing is Addressing.NODE_PORTS, self._nodes
        if needed and nodes is None:
            self._nodes = _Nodes(self._name, self._forward, self._turn)
            self._reading.follow(NODES, self._nodes)
        elif not needed:
            self._nodes = None
        self._turn()
        if not needed and nodes is not None:
            self._reading.leave(NODES)
            nodes.forget()

    def _turn(self) -> None:
        """Emit the declared settings as far as they can be in force, if they are not yet."""
        settings, before = self._declared, self._in_force
        if before is not None and self._nodes is not None and not self._nodes.is_loaded:
            settings = replace(settings, addressing=before.addressing, gateway=before.gateway)
        if settings != before:
            self._in_force = settings
            self._forward([Configured(self._name, settings)])

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


class _Nodes(Objects):
    """The nodes of a member. `on_load` is called after each load; `is_loaded` is true from then."""

    def __init__(self, member: str, emit: Emit, on_load: Callable[[], None]) -> None:
        super().__init__(NODES, member, emit)
        self.is_loaded = False
        self._on_load = on_load

    async def load(self, server: ApiServer) -> str:
        try:
            position = await super().load(server)
        except Forbidden as e:
            why = "since requests are sent to its nodes by the setting addressing nodePorts"
            raise Forbidden(f"{e}, {why}", e.retry_after) from e
        self.is_loaded = True
        self._on_load()
        return position
