"""The leader among the replicas, which writes statuses, events and managed gateways."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.lease import Leader, LeaseSettings, identity
from fleet.models import GatewayObject
from fleet.problem import Problem
from fleet.ref import Ref
from fleet.sinks.hub import HubSink
from fleetgate.core.control import ControlPlane, News
from fleetgate.core.view import Replica, Writing
from fleetgate.hub.agreement import OPTIONS, Agreement
from fleetgate.hub.managed.addresses import StandingAddresses
from fleetgate.hub.managed.managed_gateways import ManagedGateways
from fleetgate.hub.neighbours import Neighbours, NeighbourSettings
from fleetgate.hub.replicas import Replicas, ReplicaSettings

log = logging.getLogger(__name__)

Json: TypeAlias = Mapping[str, Any]

_ADDRESSES: Final = 30.0
"""Seconds that the first write waits for the addresses of gateways, so that Ingresses keep them."""

_AGAIN: Final = 5.0
"""Seconds after which writing begins anew, where a mistake of fleetgate's own has ended it."""


class Addresses(Protocol):
    """A source of the addresses at which clients reach gateways on the hub."""

    @property
    def addresses(self) -> Mapping[Ref, tuple[str, ...]]:
        """The addresses of the gateways that have any."""
        ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when `addresses` may have changed."""
        ...

    def want(self, gateways: Mapping[Ref, GatewayObject]) -> None:
        """Take in the declared gateways, in place of all before."""
        ...

    async def observe(self) -> None:
        """Follow the addresses until cancelled."""
        ...

    async def observed(self) -> None:
        """Return when `addresses` are known."""
        ...


async def keep_running(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Call `run` until cancelled, also after errors: a fault in writing must not end xDS."""
    while True:
        try:
            await run()
        except Exception:  # any error is a mistake of our own, and xDS goes on
            log.exception("a fault of fleetgate's has ended the writing to the hub, it begins anew")
        await asyncio.sleep(_AGAIN)


class Finder(Protocol):
    """A finder of problems."""

    @property
    def problems(self) -> Iterable[Problem]:
        """The problems that exist now."""
        ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when `problems` have changed."""
        ...


def _problems_of(finder: Finder) -> Iterable[Problem]:
    return finder.problems


@dataclass(frozen=True, slots=True)
class LeadingSettings:
    """The times of the election, of the Leases of replicas, and of those of other fleetgates."""

    lease: LeaseSettings = field(default_factory=LeaseSettings)
    replicas: ReplicaSettings = field(default_factory=ReplicaSettings)
    neighbours: NeighbourSettings = field(default_factory=NeighbourSettings)


class Leading:
    """Takes part in the election while `run` runs, and writes to the hub while it is elected.

    Every replica takes in all statuses and follows the addresses of gateways, so that a new leader
    knows them. With `managed`, the leader also runs Envoys. `options` decide what is written, and
    replicas have to agree on them.
    """

    def __init__(
        self,
        api: ApiServer,
        namespace: str,
        control: ControlPlane,
        managed: ManagedGateways | None = None,
        duties: LeadingSettings | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        settings = duties or LeadingSettings()
        holder = self._holder = identity()
        self._control = control
        self._managed = managed
        self._addresses: Addresses = managed or StandingAddresses(api, namespace, control.dialects)
        self._sink = HubSink(api, control.dialects.kinds, holder)
        self._agreement = Agreement(options or {}, lambda: self._replicas.options_of_others)
        self._neighbours = Neighbours(api, namespace, holder, settings.neighbours)
        self._leader = Leader(
            api, namespace, holder, settings.lease, sign=self._sign, bars=self._agreement.bars
        )
        self._replicas = Replicas(api, namespace, holder, settings.replicas, self._agreement.text)

    @property
    def leading(self) -> bool:
        """Whether this replica writes to the hub."""
        return self._leader.leading and self._neighbours.in_charge

    @property
    def replica(self) -> Replica:
        """The name of this replica, and the number of others."""
        return Replica(self._holder, self._replicas.others)

    @property
    def figures(self) -> Writing:
        """The counts of writing, for metrics."""
        gateways = self._managed.refused_writes if self._managed else 0
        return Writing(
            events_waiting=self._sink.events_waiting,
            refused={**self._sink.refusals, "gateway": gateways},
            changes=self._leader.changes,
        )

    async def run(self) -> None:
        """Take part in the election until cancelled, from the first publication on."""
        control, addresses = self._control, self._addresses
        await control.started.wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(addresses.observe())
            addresses.on_change(self._follow)
            addresses.want(control.dialects.gateways_in(control.state))
            with suppress(TimeoutError):  # `addresses` logs the objects that it cannot read
                async with asyncio.timeout(_ADDRESSES):
                    await addresses.observed()
            async with control.between_turns:
                self._note_all()
                control.on_news(self._note)
            for finder in (self._sink, self._agreement, self._neighbours):
                control.finds_problems(partial(_problems_of, finder))
                finder.on_change(control.problems_changed)
            tasks.create_task(keep_running(self._neighbours.watch))
            tasks.create_task(keep_running(lambda: self._replicas.run(control)))
            tasks.create_task(keep_running(lambda: self._leader.run(self._lead)))

    async def _lead(self) -> None:
        await self._neighbours.lead(self._write)

    def _sign(self, lease: Json) -> Mapping[str, str]:
        return {OPTIONS: self._agreement.text, **self._neighbours.sign(lease)}

    async def _write(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sink.run())
            if self._managed is not None:
                tasks.create_task(self._managed.run())

    def _note_all(self) -> None:
        statuses = self._control.translator.tables.statuses
        refs = [*statuses.of_gateways.rows, *statuses.of_ingresses.rows]
        self._sink.want_statuses(dict(self._statuses(refs)))
        self._sink.want_events(self._control.problems)

    def _note(self, news: News) -> None:
        objects, dialects = news.changes.objects, self._control.dialects
        if any(model in objects for model in dialects.models):
            self._addresses.want(dialects.gateways_in(self._control.state))
        self._sink.want_statuses(dict(self._statuses(news.statuses)))
        self._sink.want_events(news.problems)
        self._sink.changed({ref for refs in objects.values() for ref in refs})

    def _follow(self) -> None:
        """Take in new addresses and refusals of gateways."""
        self._control.locate(self._addresses.addresses)
        self._control.problems_changed()

    def _statuses(
        self, refs: Iterable[Ref]
    ) -> Iterator[tuple[Ref, Mapping[str, Any] | None]]:  # JSON
        """Yield the status of each object, None for an object that is gone."""
        dialects, statuses = self._control.dialects, self._control.translator.tables.statuses
        for ref in refs:
            if dialects.kinds.declares_gateway(ref):
                gateway = statuses.of_gateways.get(ref)
                yield ref, dialects.status(ref, gateway) if gateway else None
            else:
                ingress = statuses.of_ingresses.get(ref)
                yield ref, ingress.as_kubernetes() if ingress else None
