"""What one of the replicas does for all of them: statuses and events, and managed gateways."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.lease import Leader, LeaseSettings, identity
from fleet.ref import Ref
from fleet.sinks.hub import HubSink
from fleetgate.control import ControlPlane, News
from fleetgate.managed.gateways import ManagedGateways
from fleetgate.replicas import Replicas, ReplicaSettings
from fleetgate.report import gateway_refs, gateway_status
from translators.gateways import DIALECTS, GATEWAY_MODELS, gateways_in

log = logging.getLogger(__name__)

Json: TypeAlias = Mapping[str, Any]

_ADDRESSES: Final = 30.0
"""Seconds in which the addresses of managed gateways are known, so that Ingresses keep theirs."""

_AGAIN: Final = 5.0
"""Seconds after which writing begins anew, where a fault of ours has ended it."""


async def kept(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until cancelled, again after a fault: what is written to the hub must not end xDS."""
    while True:
        try:
            await run()
        except Exception:  # whatever it is, xDS goes on
            log.exception("a fault of fleetgate's has ended the writing to the hub, it begins anew")
        await asyncio.sleep(_AGAIN)


class Leading:
    """Takes part in the election, and leads while it is elected, while `run` runs.

    Every replica notes all statuses and watches `managed` gateways, so that whoever comes to lead
    knows them.
    """

    def __init__(
        self,
        api: ApiServer,
        namespace: str,
        control: ControlPlane,
        managed: ManagedGateways | None = None,
        lease: LeaseSettings | None = None,
        replicas: ReplicaSettings | None = None,
    ) -> None:
        holder = identity()
        self._control = control
        self._managed = managed
        self._sink = HubSink(api, holder)
        self._leader = Leader(api, namespace, holder, lease)
        self._replicas = Replicas(api, namespace, holder, replicas)

    @property
    def leading(self) -> bool:
        """Whether this replica leads."""
        return self._leader.leading

    async def run(self) -> None:
        """Take part until cancelled; begins when everything has been published once."""
        control, managed = self._control, self._managed
        await control.started.wait()
        async with asyncio.TaskGroup() as tasks:
            if managed is not None:
                tasks.create_task(managed.observe())
                managed.on_change(lambda: self._follow(managed))
                self._manage(managed)
                with suppress(TimeoutError):  # it says itself what it cannot read
                    async with asyncio.timeout(_ADDRESSES):
                        await managed.observed()
            async with control.between_turns:
                self._note_all()
                control.on_news(self._note)
            tasks.create_task(kept(lambda: self._replicas.run(control)))
            tasks.create_task(kept(lambda: self._leader.run(self._lead)))

    async def _lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sink.run())
            if self._managed is not None:
                tasks.create_task(self._managed.run())

    def _note_all(self) -> None:
        ingresses = self._control.translator.tables.ingress_statuses.rows.keys()
        gateways = gateway_refs(self._control)
        self._sink.want_statuses(dict(self._statuses([*gateways, *ingresses])))
        self._sink.want_events(self._control.problems)

    def _note(self, news: News) -> None:
        objects = news.changes.objects
        if self._managed is not None and any(model in objects for model in GATEWAY_MODELS):
            self._manage(self._managed)
        refused = {ref for ref in news.changes.problems if ref.kind in DIALECTS}
        self._sink.want_statuses(dict(self._statuses(news.statuses | refused)))
        self._sink.want_events(news.problems)
        self._sink.changed({ref for refs in objects.values() for ref in refs})

    def _manage(self, managed: ManagedGateways) -> None:
        managed.want(gateways_in(self._control.state))

    def _follow(self, managed: ManagedGateways) -> None:
        """Take what has become of managed gateways."""
        self._control.locate(managed.addresses)
        self._control.problems_changed()

    def _statuses(
        self, refs: Iterable[Ref]
    ) -> Iterator[tuple[Ref, Mapping[str, Any] | None]]:  # JSON
        """What these objects are to show, also gateways that cannot be read; None for gone ones."""
        gateways = frozenset(gateway_refs(self._control))
        ingresses = self._control.translator.tables.ingress_statuses
        for ref in refs:
            if ref.kind in DIALECTS:
                known = ref in gateways
                yield ref, gateway_status(self._control, ref).as_kubernetes() if known else None
            else:
                status = ingresses.get(ref)
                yield ref, status.as_kubernetes() if status else None
