"""The source that reads the API servers of a hub and its members.

hub ──objects, Secrets──▶ HubReader ──▶ Attaching ──▶ events
                              │ needs, roster
                              ▼
members ──objects──▶ one MemberReader each, while a gateway is attached to it ──▶ events
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final, Never, TypeAlias

from fleet.events import Configured, Emit, Event, Members
from fleet.kinds import Kinds
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.kubeconfig import BadKubeconfig
from fleet.kubernetes.members import TRUSTED, Access
from fleet.member_settings import MemberSettings
from fleet.ref import HUB, Ref
from fleet.sources.kubernetes.attaching import PATIENCE, Attaching
from fleet.sources.kubernetes.hub import HubReader
from fleet.sources.kubernetes.member import MemberReader
from fleet.sources.kubernetes.needs import Needs
from fleet.sources.kubernetes.reading import Connect

log = logging.getLogger(__name__)

NAMESPACE: Final = "fleetgate-system"
"""fleetgate's own namespace on the hub."""

_Way: TypeAlias = Connect | Access | Ref
"""How to reach a member: as the command line says, or as a Secret says.

It is the Secret's Ref if the Secret cannot be used.
"""


class KubernetesSource:
    """The source for the hub and for all members that gateways are attached to.

    Members are those of `members`, by ID, and those that Secrets on the hub name. Secrets of
    fleetgate's own shape are in `namespace`, those of Istio's and Argo CD's shapes there and in
    `trusted` namespaces. References of Ingresses to Secrets are followed in the namespaces that are
    `followed`, or in all namespaces if that is empty. `settings` are those of members that are in
    `members`; a Secret has the settings of the members that it names.

    A client is made when it is needed, and again when its credentials are refused. A gateway waits
    for newly attached members, but no longer than `patience`. Secrets that are referenced count as
    unreadable once the hub has answered about none of them for `patience`.
    """

    def __init__(
        self,
        kinds: Kinds,
        hub: Connect,
        members: Mapping[str, Connect],
        namespace: str = NAMESPACE,
        trusted: Iterable[str] = TRUSTED,
        patience: timedelta = PATIENCE,
        followed: Iterable[str] = (),
        settings: Mapping[str, MemberSettings] | None = None,
    ) -> None:
        self._given = dict(members)
        self._given_settings = dict(settings or {})
        attaching = self._attaching = Attaching(
            kinds, self._forward, self._unread, patience, self._settle
        )
        self._hub = HubReader(
            hub,
            kinds,
            namespace,
            self._given,
            trusted,
            followed,
            attaching.hear,
            self._settle,
            patience,
        )
        self._recalled = Needs(kinds)
        self._recalled_settings: dict[str, MemberSettings] = {}
        self._members: dict[str, _Read] = {}
        self._announced: Members | None = None
        self._emit: Emit | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._running = asyncio.Event()

    @property
    def loads(self) -> Mapping[str, int]:
        """How often a collection was read as a whole, by origin, for the hub and members read."""
        members = {name: read.member.loads for name, read in self._members.items()}
        return {HUB: self._hub.loads, **members}

    def recall(self, events: Iterable[Event]) -> frozenset[str]:
        """Take what is stored before `run` runs, and give the members to read by it.

        These members are read until the hub has listed. They are among the constructor's `members`,
        since Secrets are not stored.
        """
        for event in events:
            self._recalled.note(event)
            if isinstance(event, Configured):
                self._recalled_settings[event.origin] = event.settings
        return self._recalled.members & self._given.keys()

    async def run(self, emit: Emit) -> None:
        """Emit every object, then every change, until cancelled. Runs once."""
        self._emit = emit
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._hub.run())
                self._settle()
                self._running.set()
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._tasks = None  # a group that ends takes no more tasks
        finally:
            self._emit = None
            self._running.clear()
            self._attaching.retire()
            self._hub.retire()
            for read in self._members.values():
                read.member.retire()

    async def refresh(self) -> None:
        """List all API servers again, and return when every object that existed is emitted.

        Waits for `run` to run. For an API server that cannot be reached, Unreachable is emitted.
        O(objects).
        """
        await self._running.wait()
        await self._hub.refresh()
        async with asyncio.TaskGroup() as tasks:
            for read in self._members.values():
                tasks.create_task(read.member.refresh())
        if not self._running.is_set():
            raise asyncio.CancelledError  # `run` has ended meanwhile

    def _forward(self, events: Sequence[Event]) -> None:
        if self._emit is not None:
            self._emit(events)

    def _forward_of_member(self, events: Sequence[Event]) -> None:
        self._forward(events)
        if self._attaching.is_waiting:  # this may be called from within `_settle`
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        """Read the members that the hub asks for, and only those."""
        if self._tasks is None:
            return
        # Until the hub has listed, its needs are known in part only.
        needs = self._hub.needs if self._hub.is_listed else self._recalled
        if self._hub.is_listed:
            self._attaching.settle()
        wanted = self._wanted(needs)
        for name in self._members.keys() - wanted.keys():
            self._members.pop(name).end()
            log.info("member %s is not read any more", name)
        if self._hub.is_listed:
            members = Members(frozenset(wanted), frozenset(self._known().keys() - wanted.keys()))
            if members != self._announced:
                self._announced = members
                self._forward([members])
        for name, way in wanted.items():
            member = self._read(name, way, self._tasks)
            if not isinstance(way, Ref):  # without a usable Secret the last settings stay in force
                member.configure(self._settings_of(name, way))
            member.need_labels(needed=needs.labels)
        if self._hub.is_listed:
            self._recalled_settings.clear()  # those of members that are read later are forgotten

    def _settings_of(self, name: str, way: Access | Connect) -> MemberSettings:
        if isinstance(way, Access):
            return way.settings
        return self._given_settings.get(name, MemberSettings())

    def _wanted(self, needs: Needs) -> dict[str, _Way]:
        """How to reach each member to read: those needed, and those of gateways in force."""
        known = self._known()
        needed = needs.members | self._attaching.in_force
        return {name: known[name] for name in sorted(needed & known.keys())}

    def _known(self) -> dict[str, _Way]:
        named = self._hub.roster.members if self._hub.is_listed else {}
        return {**named, **self._given}

    def _unread(self, members: frozenset[str]) -> frozenset[str]:
        """Those of the members that are read, or are about to be, and have not answered yet.

        Before the hub has listed, no gateway waits, since no former version of it is in force.
        """
        if not self._hub.is_listed:
            return frozenset()
        answered = {name for name, read in self._members.items() if read.member.has_answered}
        return (members & self._known().keys()) - answered

    def _read(self, name: str, way: _Way, tasks: asyncio.TaskGroup) -> MemberReader:
        """The reader of a member, which reads in the given way from now on."""
        read = self._members.get(name)
        if read is None:
            in_force = self._recalled_settings.get(name)
            member = MemberReader(name, _connect(way), self._forward_of_member, in_force)
            read = self._members[name] = _Read(way, member, tasks.create_task(member.run()))
            log.info("member %s is read from now on", name)
        elif _route(read.way) != _route(way):
            read.way = way
            read.member.renew(_connect(way))
            log.info("member %s is read by its new credentials", name)
        return read.member


@dataclass(slots=True)
class _Read:
    """A member that is read."""

    way: _Way
    member: MemberReader
    task: asyncio.Task[Never]

    def end(self) -> None:
        """Stop reading the member."""
        self.member.retire()
        self.task.cancel()


def _route(way: _Way) -> object:
    """The part of a way that the client is made from."""
    return way.kubeconfig if isinstance(way, Access) else way


def _connect(way: _Way) -> Connect:
    if isinstance(way, Ref):
        return partial(_unusable, way)
    if isinstance(way, Access):
        kubeconfig = way.kubeconfig
        return lambda: ApiServer.from_kubeconfig(kubeconfig)
    return way


async def _unusable(secret: Ref) -> ApiServer:
    named = f"Secret {secret.namespace}/{secret.name}"
    raise BadKubeconfig(f"{named} on the hub, which names it, cannot be used; its events say why")
