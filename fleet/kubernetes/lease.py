"""Elects one leader among the replicas, by a Lease on the hub.

`kubernetes.aio.leaderelection` decides which replica leads. The lock that connects it with the
Lease is fleetgate's own. The library's lock passes arguments that its client refuses, ends the
election when a connection is lost, writes local time as UTC, and does not give a Lease back.
"""

import asyncio
import json
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock

from fleet.kubernetes.connection import ApiServer, Reply, Unreached
from fleet.kubernetes.patience import Patience

log = logging.getLogger(__name__)

Json: TypeAlias = Any

LEASE_NAME: Final = "fleetgate-leader"


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Times of the election, in whole seconds, the longest first.

    A leader stops `renew` seconds after it asked for its last successful renewal. Another replica
    takes the Lease `lease` seconds after the last renewal that it saw. Every replica reads the
    Lease each `retry` seconds, so a leader that stops cleanly is replaced within that time.
    """

    lease: int = 15
    renew: int = 10
    retry: int = 2


def identity() -> str:
    """A unique name of this process: its host name, which is its Pod's name, and a random part."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"


Sign: TypeAlias = Callable[[Json], Mapping[str, str]]
"""Gives the annotations to write with the Lease, from the Lease as it was read, {} for none."""

Bars: TypeAlias = Callable[[Json], bool]
"""Whether the Lease of another holder must not be taken, even if it has expired."""


class Leader:
    """A candidate for the Lease `name` in `namespace`; it takes it under the name `holder`.

    `changes` counts how often it has begun or ceased to lead.
    """

    def __init__(
        self,
        api: ApiServer,
        namespace: str,
        holder: str,
        settings: LeaseSettings | None = None,
        name: str = LEASE_NAME,
        sign: Sign = lambda _: {},
        bars: Bars = lambda _: False,
    ) -> None:
        self._settings = settings or LeaseSettings()
        self._lease = _Lease(api, namespace, name, holder, sign)
        self._bars = bars
        self._patience = Patience("the election of a leader", longest=self._settings.retry)
        self._leading = False
        self.changes = 0

    @property
    def leading(self) -> bool:
        """Whether this process leads."""
        return self._leading

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Run `lead` whenever this process leads, until cancelled.

        `lead` is cancelled when the Lease could not be renewed in time, and runs again when this
        process gets the Lease again. At its end, `run` gives the Lease back once `lead` has ended,
        so that another replica can take it at once. Errors of `lead` are raised as a group.
        """
        try:
            while True:
                await self._term(lead)
        finally:
            await self._lease.give_back()

    async def _term(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait to be elected, lead, and return at the end of the term."""
        won = asyncio.Event()

        async def start() -> None:
            won.set()

        async def stop() -> None:
            """Do nothing: the term ends when the election's `run` returns."""

        try:
            # The election checks the time between requests only, and by a clock that may be set.
            # `limit` ends the term also during a request, by the clock of the event loop.
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
                config = Config(
                    _Lock(self._lease, self._patience, limit, self._settings.renew, self._bars),
                    lease_duration=self._settings.lease,
                    renew_deadline=self._settings.renew,
                    retry_period=self._settings.retry,
                    onstarted_leading=start,
                    onstopped_leading=stop,
                )
                leading = group.create_task(self._lead(won, lead))
                await LeaderElection(config).run()
                leading.cancel()
        except TimeoutError:
            pass
        log.warning("%s leads no more: it could not renew its Lease in time", self._lease.holder)

    async def _lead(self, won: asyncio.Event, lead: Callable[[], Awaitable[None]]) -> None:
        await won.wait()
        self._leading = True
        self.changes += 1
        log.info("%s leads now, and writes to the hub", self._lease.holder)
        try:
            await lead()
        finally:
            self._leading = False
            self.changes += 1


class _Lease:
    """The Lease, as JSON. A write fails if another client has written since the last `read`."""

    def __init__(self, api: ApiServer, namespace: str, name: str, holder: str, sign: Sign) -> None:
        self.holder = holder
        self._sign = sign
        self._api = api
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._metadata: Json = {"name": name, "namespace": namespace}
        self._one = f"{self._all}/{name}"
        self._found: Json = None
        self._touched = False

    @property
    def of_another_holder(self) -> Json:
        """The Lease as it was read; None if this process holds it, or it does not exist."""
        found = self._found
        is_ours = found is not None and found["spec"].get("holderIdentity") == self.holder
        return None if is_ours else found

    async def read(self) -> Reply:
        reply = await self._api.request("GET", self._one, timeout=5.0)
        self._found = reply.json() if reply.ok else None
        return reply

    async def take(self, lease: int) -> Reply:
        """Create the Lease, take it over, or renew it, for `lease` seconds."""
        self._touched = True
        before = (self._found or {}).get("spec", {})
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        ours = before.get("holderIdentity") == self.holder
        transitions = before.get("leaseTransitions", 0)
        spec = {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": lease,
            "acquireTime": before.get("acquireTime", now) if ours else now,
            "renewTime": now,
            "leaseTransitions": transitions if ours or not before else transitions + 1,
        }
        return await self._write(spec)

    async def give_back(self) -> None:
        """Clear the holder of the Lease if it is this process."""
        if not self._touched:
            return
        with suppress(Unreached):
            # A renewal that was under way may come between, and then the second attempt succeeds.
            for _ in range(2):
                await self.read()
                if self._found is None or self._found["spec"].get("holderIdentity") != self.holder:
                    return
                spec = {**self._found["spec"], "holderIdentity": ""}
                if (await self._write(spec)).ok:
                    log.info("%s gave the Lease back", self.holder)
                    return

    async def _write(self, spec: Json) -> Reply:
        kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        signed = dict(self._sign(self._found or {}))
        if self._found is None:
            metadata = self._metadata | {"annotations": signed}
            body = kind | {"metadata": metadata, "spec": spec}
            return await self._api.request("POST", self._all, body=body, timeout=5.0)
        # The body has the resourceVersion that was read, so a write in between is a conflict.
        found = self._found["metadata"]
        metadata = found | {"annotations": (found.get("annotations") or {}) | signed}
        body = self._found | kind | {"metadata": metadata, "spec": spec}
        return await self._api.request("PUT", self._one, body=body, timeout=5.0)


class _Lock(BaseLock):
    """The lock that the election uses. Each successful renewal extends the term by `renew`."""

    def __init__(
        self,
        lease: _Lease,
        patience: Patience,
        limit: asyncio.Timeout,
        renew: float,
        bars: Bars,
    ) -> None:
        super().__init__(LEASE_NAME, "", lease.holder)
        self._lease = lease
        self._patience = patience
        self._limit = limit
        self._renew = renew
        self._bars = bars
        self._barred = False
        self._refusal = ""

    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord] | tuple[bool, Exception]:
        reply = await self._patience.ask(self._lease.read)
        if not reply.ok:
            if reply.status != HTTPStatus.NOT_FOUND:
                self._complain(reply)
            error = ApiException(status=reply.status, reason=reply.message)
            error.body = json.dumps({"code": reply.status})
            return False, error
        other = self._lease.of_another_holder
        self._barred = other is not None and self._bars(other)
        spec = reply.json().get("spec", {})
        duration = spec.get("leaseDurationSeconds")
        return True, LeaderElectionRecord(
            spec.get("holderIdentity") or None,
            str(duration) if duration else None,
            spec.get("acquireTime"),
            spec.get("renewTime"),
        )

    async def create(
        self, name: str, namespace: str, election_record: LeaderElectionRecord
    ) -> bool:
        return await self._take(election_record)

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        return await self._take(updated_record)

    async def _take(self, record: LeaderElectionRecord) -> bool:
        if self._barred:
            return False
        asked = asyncio.get_running_loop().time()
        try:
            reply = await self._lease.take(int(record.lease_duration or 0))
        except Unreached:
            return False
        if reply.ok:
            self._refusal = ""
            self._limit.reschedule(asked + self._renew)
        elif reply.status != HTTPStatus.CONFLICT:
            self._complain(reply)
        return reply.ok

    def _complain(self, reply: Reply) -> None:
        if reply.message != self._refusal:
            self._refusal = reply.message
            log.warning("the hub refuses the Lease of the leader: %s", reply.message)
