"""What one of the replicas does for all of them: statuses and events, and managed gateways."""

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
"""Seconds in which it is known where gateways are reached, so that Ingresses keep addresses."""

_AGAIN: Final = 5.0
"""Seconds after which writing begins anew, where a fault of ours has ended it."""


class Addresses(Protocol):
    """Who knows where clients reach the gateways on the hub."""

    @property
    def addresses(self) -> Mapping[Ref, tuple[str, ...]]:
        """Those of the gateways that have any."""
        ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when they may have changed."""
        ...

    def want(self, gateways: Mapping[Ref, GatewayObject]) -> None:
        """Take the gateways that there are now."""
        ...

    async def observe(self) -> None:
        """Follow them until cancelled."""
        ...

    async def observed(self) -> None:
        """Return when they can be trusted."""
        ...


async def kept(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until cancelled, again after a fault: what is written to the hub must not end xDS."""
    while True:
        try:
            await run()
        except Exception:  # whatever it is, xDS goes on
            log.exception("a fault of fleetgate's has ended the writing to the hub, it begins anew")
        await asyncio.sleep(_AGAIN)


class Finder(Protocol):
    """Who finds problems."""

    @property
    def problems(self) -> Iterable[Problem]:
        """What is found now."""
        ...

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when that has changed."""
        ...


def _problems_of(finder: Finder) -> Iterable[Problem]:
    return finder.problems


@dataclass(frozen=True, slots=True)
class LeadingSettings:
    """The times of the election, of the talk between replicas, and of the look at neighbours."""

    lease: LeaseSettings = field(default_factory=LeaseSettings)
    replicas: ReplicaSettings = field(default_factory=ReplicaSettings)
    neighbours: NeighbourSettings = field(default_factory=NeighbourSettings)


class Leading:
    """Takes part in the election, and leads while it is elected, while `run` runs.

    Every replica notes all statuses and watches where gateways are reached, so that whoever comes
    to lead knows them. Without `managed`, the Envoys are somebody else's to run.
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
        """Whether this replica writes what Kubernetes is told."""
        return self._leader.leading and self._neighbours.in_charge

    @property
    def replica(self) -> Replica:
        """This replica among the others."""
        return Replica(self._holder, self._replicas.others)

    @property
    def figures(self) -> Writing:
        """What metrics tell of it."""
        gateways = self._managed.refused_writes if self._managed else 0
        return Writing(
            events_waiting=self._sink.events_waiting,
            refused={**self._sink.refusals, "gateway": gateways},
            changes=self._leader.changes,
        )

    async def run(self) -> None:
        """Take part until cancelled; begins when everything has been published once."""
        control, addresses = self._control, self._addresses
        await control.started.wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(addresses.observe())
            addresses.on_change(self._follow)
            addresses.want(control.dialects.gateways_in(control.state))
            with suppress(TimeoutError):  # it says itself what it cannot read
                async with asyncio.timeout(_ADDRESSES):
                    await addresses.observed()
            async with control.between_turns:
                self._note_all()
                control.on_news(self._note)
            for finder in (self._sink, self._agreement, self._neighbours):
                control.finds_problems(partial(_problems_of, finder))
                finder.on_change(control.problems_changed)
            tasks.create_task(kept(self._neighbours.watch))
            tasks.create_task(kept(lambda: self._replicas.run(control)))
            tasks.create_task(kept(lambda: self._leader.run(self._lead)))

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
        told = [*statuses.of_gateways.rows, *statuses.of_ingresses.rows]
        self._sink.want_statuses(dict(self._statuses(told)))
        self._sink.want_events(self._control.problems)

    def _note(self, news: News) -> None:
        objects, dialects = news.changes.objects, self._control.dialects
        if any(model in objects for model in dialects.models):
            self._addresses.want(dialects.gateways_in(self._control.state))
        self._sink.want_statuses(dict(self._statuses(news.statuses)))
        self._sink.want_events(news.problems)
        self._sink.changed({ref for refs in objects.values() for ref in refs})

    def _follow(self) -> None:
        """Take what has become of gateways on the hub."""
        self._control.locate(self._addresses.addresses)
        self._control.problems_changed()

    def _statuses(
        self, refs: Iterable[Ref]
    ) -> Iterator[tuple[Ref, Mapping[str, Any] | None]]:  # JSON
        """What these objects are to show; None for those that are gone."""
        dialects, statuses = self._control.dialects, self._control.translator.tables.statuses
        for ref in refs:
            if dialects.kinds.declares_gateway(ref):
                gateway = statuses.of_gateways.get(ref)
                yield ref, dialects.status(ref, gateway) if gateway else None
            else:
                ingress = statuses.of_ingresses.get(ref)
                yield ref, ingress.as_kubernetes() if ingress else None
