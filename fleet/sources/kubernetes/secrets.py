"""Reads the Secrets that Ingresses reference, and keeps no other Secret's bytes.

Secrets are not listed. A watch begins, then each referenced Secret is read by its name, and the
watch tells when it changes. Events of the watch about other Secrets are dropped unread.

A Secret is Awaited from the moment it is referenced, so that nobody calls it missing before the API
server has answered. If the API server refuses a Secret, or answers about none for a time, that is a
problem of the Ingresses that reference it. The Secret is asked for again, and no other object waits
for it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Set
from collections.abc import Collection as Several
from datetime import timedelta
from http import HTTPStatus
from typing import Final, Never, TypeAlias

from fleet.events import Awaited, Deleted, Emit, Refused, Upserted
from fleet.kinds import INGRESS, SECRET
from fleet.kubernetes.backoff import CALM, Backoff
from fleet.kubernetes.collection import Collection, Json, Refusal, refusal
from fleet.kubernetes.connection import ApiServer, Reply, Unreached, read_json
from fleet.kubernetes.watch import Change, ChangeType
from fleet.parse import Unused
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.references import DEFAULT_CERTIFICATE
from fleet.sources.emitted import Emitted

SECRETS: Final = Collection(
    SECRET,
    # These types are most of a cluster's Secrets, and none of them has a certificate.
    field_selector="type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
)

_AT_ONCE: Final = 16
"""Secrets that are read at the same time, in all namespaces. Each takes a connection of its own."""

_OF_THE_SERVER: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses of an answer that is about the state of the server, not about the Secret."""

_FAILURES: Final = 3
"""Answers with status 500 about a Secret after which they count as a problem of the Secret.

There are two causes. A server that cannot decrypt the Secret answers so every time. A server whose
etcd elects a leader answers so to everything, for a short time; then the list that begins each load
fails before any Secret is read.
"""

PATIENCE: Final = timedelta(seconds=10)
"""The longest silence of the server for which Secrets are awaited."""

Users: TypeAlias = Callable[[Ref], Iterable[Ref]]
"""Gives the Ingresses and gateways that reference a Secret."""


class ReferencedSecrets:
    """Emits the Secrets that are needed, and their changes.

    The caller watches the Secrets. It calls `read_again` once a watch has a position to begin from,
    and `take` for each change. `on_complete` is called when the server has answered about every
    Secret that is needed, whether or not it has the Secret. If it answers about none for
    `patience`, the Secrets that are awaited count as unreadable until it does.
    """

    def __init__(
        self,
        emit: Emit,
        on_complete: Callable[[], None],
        users: Users,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._emit = emit
        self._on_complete = on_complete
        self._users = users
        self._patience = patience.total_seconds()
        self._awaited: set[Ref] = set()
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._emitted = Emitted()
        self._needed: set[Ref] = set()
        self._unread: set[Ref] = set()
        self._watched: set[Ref] = set()
        self._positions: dict[Ref, str] = {}
        self._refusals: dict[Ref, str] = {}
        self._failures: Counter[Ref] = Counter()
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._wake = asyncio.Event()
        self._has_refusals = asyncio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether the server has answered about every Secret that is needed."""
        return not self._unread

    def holds(self, secrets: Set[Ref]) -> bool:
        """Whether any of these Secrets has been read."""
        return not self._emitted.refs.isdisjoint(secrets)

    def need(self, secrets: Iterable[Ref]) -> None:
        """Read these Secrets from now on, once they are watched."""
        new = [ref for ref in secrets if ref not in self._needed]
        self._needed.update(new)
        self._unread.update(new)
        self._await(new)
        self._wake.set()

    def drop(self, secrets: Iterable[Ref]) -> None:
        """Forget these Secrets."""
        for ref in secrets:
            self._needed.discard(ref)
            self._unread.discard(ref)
            self._watched.discard(ref)
            self._positions.pop(ref, None)
            self._settle(ref, None)
        self._complete()

    def retire(self) -> None:
        """Await nothing any more, since `run` will not run again."""
        self._awaited.clear()
        if self._timer is not None:
            self._timer.cancel()

    def users_changed(self) -> None:
        """Report refused Secrets to the Ingresses that now reference them. O(refused Secrets)."""
        for ref, why in self._refusals.items():
            self.complain(ref, why)

    def watch(self, secrets: Iterable[Ref]) -> None:
        """Read these Secrets, which an open watch covers."""
        self._watched.update(secrets)
        self._wake.set()

    def unwatch(self, secrets: Iterable[Ref]) -> None:
        """Note that no watch covers these Secrets any more."""
        self._watched.difference_update(secrets)

    async def read_again(self, server: ApiServer, secrets: Set[Ref]) -> None:
        """Read these Secrets, whose watch is about to begin. Raises Refusal and Unreached.

        The version that is read replaces the known one even if its position is lower: after a
        server was restored from a backup, positions are lower than before.
        """
        for ref in secrets:
            self._positions.pop(ref, None)
            self._unread.add(ref)
        await self._read_all(server, list(secrets))
        self._watched.update(secrets & self._needed)
        self._complete()

    def take(self, change: Change) -> None:
        """Take in a change of a Secret, if the Secret is needed."""
        ref = _ref(change.value)
        if ref in self._needed:
            is_gone = change.type is ChangeType.DELETED
            self._take(ref, change.position, None if is_gone else change.value)

    def deny(self, secrets: Iterable[Ref], why: str) -> None:
        """Note why these Secrets can neither be read nor watched."""
        for ref in secrets:
            self._unread.discard(ref)
            self._watched.discard(ref)
            self.complain(ref, why)
        self._complete()

    def complain(self, ref: Ref, why: str) -> None:
        """Report why a Secret cannot be read, as a problem of each object that references it."""
        self._refusals[ref] = why
        self._has_refusals.set()
        problems = tuple(
            Problem(
                user,
                "SecretUnreadable",
                "spec.tls" if user.kind == INGRESS.name else DEFAULT_CERTIFICATE,
                ref.name,
                f"a Secret that can be read: {why}",
                "what was read of it before stays in force",
            )
            for user in self._users(ref)
        )
        self._update(ref, Refused(ref, problems))

    async def run(self, server: ApiServer, on_trouble: Callable[[], None]) -> Never:
        """Read the Secrets that are needed, until cancelled.

        `on_trouble` is called when the server does not answer, or answers with an error of its own.
        The caller then loads a collection again, which reports the reason.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask_again(server, on_trouble))
            while True:
                await self._wake.wait()
                self._wake.clear()
                try:
                    await self._read_all(server, list(self._unread & self._watched))
                    self._complete()
                except (Refusal, Unreached):
                    on_trouble()

    async def _ask_again(self, server: ApiServer, on_trouble: Callable[[], None]) -> Never:
        """Read refused Secrets again: no watch tells that RBAC permits them by now."""
        backoff = Backoff(CALM)
        while True:
            if not self._refusals:
                backoff.reset()
                self._has_refusals.clear()
                await self._has_refusals.wait()
            await asyncio.sleep(backoff.next())
            try:
                # Secrets without a watch are read by each attempt to open one.
                await self._read_all(server, [r for r in self._refusals if r in self._watched])
            except (Refusal, Unreached):
                on_trouble()

    async def _read_all(self, server: ApiServer, secrets: Several[Ref]) -> None:
        """Read Secrets, a few at the same time. Raises Refusal and Unreached."""
        waiting = list(secrets)
        while waiting:
            batch, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            reads = (self._read(server, ref) for ref in batch)
            for failure in await asyncio.gather(*reads, return_exceptions=True):
                if failure is not None:
                    raise failure

    async def _read(self, server: ApiServer, ref: Ref) -> None:
        path = f"/api/v1/namespaces/{ref.namespace}/secrets/{ref.name}"
        async with self._free:
            known = self._positions.get(ref)
            reply = await server.request("GET", path)
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR and ref in self._needed:
            self._failures[ref] += 1
        if reply.ok:
            self._take(ref, *_secret_in(server, reply))
        elif self._is_of_the_server(ref, reply):
            raise refusal(server, SECRETS, "get", reply)
        elif self._positions.get(ref) == known:  # otherwise the watch has delivered it meanwhile
            if reply.status == HTTPStatus.NOT_FOUND:
                self._settle(ref, None)
            elif ref in self._needed:
                self.complain(ref, str(refusal(server, SECRETS, "get", reply)))
        self._unread.discard(ref)

    def _complete(self) -> None:
        if self.is_complete:
            self._on_complete()

    def _is_of_the_server(self, ref: Ref, reply: Reply) -> bool:
        """Whether an error is about the state of the server, and not about the Secret."""
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._failures[ref] < _FAILURES
        return reply.status in _OF_THE_SERVER

    def _take(self, ref: Ref, position: str, value: Json | None) -> None:
        """Take a version of a Secret, unless a newer one is known: answers may overtake others."""
        if ref not in self._needed or _is_older(position, self._positions.get(ref, "")):
            return
        self._positions[ref] = position
        found = None if value is None else SECRETS.read(value, HUB)
        self._settle(ref, None if isinstance(found, Unused) else found)

    def _settle(self, ref: Ref, outcome: Upserted | Refused | None) -> None:
        """Emit a Secret that the server has answered about; None if it does not exist."""
        self._refusals.pop(ref, None)
        self._failures.pop(ref, None)
        self._update(ref, outcome)

    def _update(self, ref: Ref, outcome: Upserted | Refused | None) -> None:
        event = self._emitted.update(ref, outcome)
        if ref in self._awaited:
            self._awaited.remove(ref)
            self._heard = asyncio.get_running_loop().time()
            event = event or Deleted(ref)
        if event is not None:
            self._emit([event])

    def _await(self, secrets: Several[Ref]) -> None:
        if not secrets:
            return
        if not self._awaited:
            self._heard = asyncio.get_running_loop().time()
        self._awaited.update(secrets)
        self._emit([Awaited(ref) for ref in secrets])
        if self._timer is None:
            self._set_timer(self._patience)

    def _set_timer(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        """Report the awaited Secrets as unreadable if the server has been silent for too long."""
        self._timer = None
        left = self._heard + self._patience - asyncio.get_running_loop().time()
        if self._awaited and left > 0:
            self._set_timer(left)
            return
        for ref in sorted(self._awaited):
            self.complain(ref, f"the hub has not answered for {self._patience:g} s")


def _secret_in(server: ApiServer, reply: Reply) -> tuple[str, Json]:
    """The position of a Secret, and the Secret.

    Raises Refusal if the answer is no Secret: a proxy may answer with 200 and a page of its own.
    """
    try:
        value = read_json(reply.body)
        return str(value["metadata"]["resourceVersion"]), value
    except (ValueError, KeyError, TypeError) as e:
        raise Refusal(f"{server.server}: the answer is no Secret of Kubernetes") from e


def _ref(value: Json) -> Ref:
    metadata = value["metadata"]
    return Ref(HUB, "Secret", str(metadata.get("namespace")), str(metadata.get("name")))


def _is_older(position: str, known: str) -> bool:
    """Whether one position is before another: those of one collection compare as numbers."""
    if position.isdecimal() and known.isdecimal():
        return int(position) < int(known)
    return False
