"""What one of the replicas does for all of them: statuses and events on the hub."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.lease import Leader, LeaseSettings, identity
from fleet.models import MseIngressConfig
from fleet.ref import Ref
from fleet.sinks.hub import HubSink
from fleetgate.control import ControlPlane, News
from fleetgate.replicas import Replicas, ReplicaSettings
from fleetgate.report import gateway_refs, gateway_status


class Leading:
    """Takes part in the election, and leads while it is elected, while `run` runs.

    Every replica notes all statuses, so that whoever comes to lead knows them. `duties` are further
    tasks of the leader.
    """

    def __init__(
        self,
        api: ApiServer,
        namespace: str,
        control: ControlPlane,
        duties: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (),
        lease: LeaseSettings | None = None,
        replicas: ReplicaSettings | None = None,
    ) -> None:
        holder = identity()
        self._control = control
        self._duties = duties
        self._sink = HubSink(api, holder)
        self._leader = Leader(api, namespace, holder, lease)
        self._replicas = Replicas(api, namespace, holder, replicas)
        control.on_news(self._note)

    @property
    def leading(self) -> bool:
        """Whether this replica leads."""
        return self._leader.leading

    async def run(self) -> None:
        """Take part until cancelled; starts when everything has been published once."""
        await self._control.started.wait()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._replicas.run(self._control))
            tasks.create_task(self._leader.run(self._lead))

    async def _lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sink.run())
            for duty in self._duties:
                tasks.create_task(duty())

    def _note(self, news: News) -> None:
        self._sink.want_statuses(dict(self._statuses(news)))
        self._sink.want_events(news.problems)
        self._sink.changed({ref for refs in news.changes.objects.values() for ref in refs})

    def _statuses(self, news: News) -> Iterator[tuple[Ref, Mapping[str, Any] | None]]:  # JSON
        """The statuses that have changed, also of gateways whose object cannot be read."""
        gateways = frozenset(gateway_refs(self._control))
        refused = {ref for ref in news.changes.problems if ref.kind == MseIngressConfig.__name__}
        ingresses = self._control.translator.tables.ingress_statuses
        for ref in news.statuses | refused:
            if ref.kind == MseIngressConfig.__name__:
                known = ref in gateways
                yield ref, gateway_status(self._control, ref).as_kubernetes() if known else None
            else:
                status = ingresses.get(ref)
                yield ref, status.as_kubernetes() if status else None
