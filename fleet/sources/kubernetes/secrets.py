"""The Secrets that Ingresses reference, and no other Secret's bytes.

Secrets are not listed: one that is referenced is read by its name, and a watch, which begins before
that, says when it changes. What a watch says of other Secrets is dropped unread.

One that the API server does not hand out is a problem of the Ingresses that reference it, and is
asked for again: it keeps nobody else from being served.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Set
from collections.abc import Collection as Several
from http import HTTPStatus
from typing import Final, Never, TypeAlias

from fleet.events import Refused, Upserted
from fleet.kinds import SECRET
from fleet.kubernetes.backoff import CALM, Backoff
from fleet.kubernetes.collection import Collection, Json, Refusal, refusal
from fleet.kubernetes.connection import ApiServer, Reply, Unreached, read_json
from fleet.kubernetes.watch import Change, ChangeType
from fleet.parse import Unused
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sources.kubernetes.objects import Say
from fleet.sources.said import Said

SECRETS: Final = Collection(
    SECRET,
    # The bulk of what a cluster has, and no certificates.
    field_selector="type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token",
)

_AT_ONCE: Final = 16
"""Secrets that are asked for at the same time."""

_OF_THE_SERVER: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Statuses that say nothing of a Secret."""

_FAILURES: Final = 3
"""So often a server answers 500 about a Secret before that is a problem of the Secret.

So answers a server whose etcd elects a leader, which is soon over and keeps it from listing too,
as each load does first; and so answers one that cannot decrypt the Secret.
"""

Users: TypeAlias = Callable[[Ref], Iterable[Ref]]
"""The Ingresses that reference a Secret."""


class ReferencedSecrets:
    """Says the Secrets that are needed, and what becomes of them.

    Somebody else watches them: whoever does says `read_again` once a watch has a position to begin
    from, and `take` for each change. `on_complete` is called when each of them is known, or known
    not to be there or not for us.
    """

    def __init__(self, say: Say, on_complete: Callable[[], None], users: Users) -> None:
        self._say = say
        self._on_complete = on_complete
        self._users = users
        self._said = Said()
        self._needed: set[Ref] = set()
        self._unread: set[Ref] = set()
        self._watched: set[Ref] = set()
        self._positions: dict[Ref, str] = {}
        self._refusals: dict[Ref, str] = {}
        self._failures: Counter[Ref] = Counter()
        self._wake = asyncio.Event()
        self._has_refusals = asyncio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether every Secret that is needed has been asked for."""
        return not self._unread

    def holds(self, secrets: Set[Ref]) -> bool:
        """Whether any of these is known."""
        return not self._said.refs.isdisjoint(secrets)

    def need(self, secrets: Iterable[Ref]) -> None:
        """Have these from now on."""
        for ref in secrets:
            self._needed.add(ref)
            self._unread.add(ref)
        self._wake.set()

    def drop(self, secrets: Iterable[Ref]) -> None:
        """Forget these."""
        for ref in secrets:
            self._needed.discard(ref)
            self._unread.discard(ref)
            self._watched.discard(ref)
            self._positions.pop(ref, None)
            self._tell(ref, None)
        self._complete()

    def users_changed(self) -> None:
        """Other Ingresses reference these Secrets now. O(those that are refused)."""
        for ref, why in self._refusals.items():
            self.complain(ref, why)

    def watch(self, secrets: Iterable[Ref]) -> None:
        """Read these by themselves: there is a watch already that says when they change."""
        self._watched.update(secrets)
        self._wake.set()

    def unwatch(self, secrets: Iterable[Ref]) -> None:
        """No watch says any more when these change."""
        self._watched.difference_update(secrets)

    async def read_again(self, server: ApiServer, secrets: Set[Ref]) -> None:
        """Read these, whose watch is about to begin. Raises Refusal and Unreached.

        What is read overrules what is known, whatever their positions: those of a server that was
        restored from a backup are lower than before.
        """
        for ref in secrets:
            self._positions.pop(ref, None)
            self._unread.add(ref)
        await self._read_all(server, list(secrets))
        self._watched.update(secrets & self._needed)
        self._complete()

    def take(self, change: Change) -> None:
        """Take in what has become of a Secret, if it is needed."""
        ref = _ref(change.value)
        if ref in self._needed:
            is_gone = change.type is ChangeType.DELETED
            self._take(ref, change.position, None if is_gone else change.value)

    def deny(self, secrets: Iterable[Ref], why: str) -> None:
        """Take that these cannot be read, nor watched."""
        for ref in secrets:
            self._unread.discard(ref)
            self._watched.discard(ref)
            self.complain(ref, why)
        self._complete()

    def complain(self, ref: Ref, why: str) -> None:
        """Have the Ingresses that reference a Secret say why it cannot be read."""
        self._refusals[ref] = why
        self._has_refusals.set()
        problems = tuple(
            Problem(
                ingress,
                "SecretUnreadable",
                "spec.tls",
                ref.name,
                f"a Secret that can be read: {why}",
                "what was read of it before stays in force",
            )
            for ingress in self._users(ref)
        )
        self._emit(ref, Refused(ref, problems))

    async def run(self, server: ApiServer, on_trouble: Callable[[], None]) -> Never:
        """Read what is needed from now on.

        `on_trouble` is called when the server is of no use: a load finds out why, and says so.
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
        """Ask for what was refused: rights may have come, which no watch says."""
        backoff = Backoff(CALM)
        while True:
            if not self._refusals:
                backoff.reset()
                self._has_refusals.clear()
                await self._has_refusals.wait()
            await asyncio.sleep(backoff.next())
            try:
                # What no watch is for is asked for by whoever tries to have one.
                await self._read_all(server, [r for r in self._refusals if r in self._watched])
            except (Refusal, Unreached):
                on_trouble()

    async def _read_all(self, server: ApiServer, secrets: Several[Ref]) -> None:
        """Read some, a few at the same time. Raises Refusal and Unreached."""
        waiting = list(secrets)
        while waiting:
            batch, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            reads = (self._read(server, ref) for ref in batch)
            for failure in await asyncio.gather(*reads, return_exceptions=True):
                if failure is not None:
                    raise failure

    async def _read(self, server: ApiServer, ref: Ref) -> None:
        known = self._positions.get(ref)
        path = f"/api/v1/namespaces/{ref.namespace}/secrets/{ref.name}"
        reply = await server.request("GET", path)
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR and ref in self._needed:
            self._failures[ref] += 1
        if reply.ok:
            self._take(ref, *_secret_in(server, reply))
        elif self._is_of_the_server(ref, reply):
            raise refusal(server, SECRETS, "get", reply)
        elif self._positions.get(ref) == known:  # else the watch has found it meanwhile
            if reply.status == HTTPStatus.NOT_FOUND:
                self._tell(ref, None)
            elif ref in self._needed:
                self.complain(ref, str(refusal(server, SECRETS, "get", reply)))
        self._unread.discard(ref)

    def _complete(self) -> None:
        if self.is_complete:
            self._on_complete()

    def _is_of_the_server(self, ref: Ref, reply: Reply) -> bool:
        """Whether an answer that is no success says nothing of the Secret."""
        if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._failures[ref] < _FAILURES
        return reply.status in _OF_THE_SERVER

    def _take(self, ref: Ref, position: str, value: Json | None) -> None:
        """Take a version of a Secret, unless a newer one is known: answers overtake each other."""
        if ref not in self._needed or _is_older(position, self._positions.get(ref, "")):
            return
        self._positions[ref] = position
        found = None if value is None else SECRETS.read(value, HUB)
        self._tell(ref, None if isinstance(found, Unused) else found)

    def _tell(self, ref: Ref, outcome: Upserted | Refused | None) -> None:
        """Say what a Secret is, None where there is none."""
        self._refusals.pop(ref, None)
        self._failures.pop(ref, None)
        self._emit(ref, outcome)

    def _emit(self, ref: Ref, outcome: Upserted | Refused | None) -> None:
        if (event := self._said.say(ref, outcome)) is not None:
            self._say([event])


def _secret_in(server: ApiServer, reply: Reply) -> tuple[str, Json]:
    """The position of a Secret, and the Secret. Raises Refusal: proxies answer with 200 too."""
    try:
        value = read_json(reply.body)
        return str(value["metadata"]["resourceVersion"]), value
    except (ValueError, KeyError, TypeError) as e:
        raise Refusal(f"{server.server}: the answer is no Secret of Kubernetes") from e


def _ref(value: Json) -> Ref:
    metadata = value["metadata"]
    return Ref(HUB, "Secret", str(metadata.get("namespace")), str(metadata.get("name")))


def _is_older(position: str, known: str) -> bool:
    """Kubernetes promises that positions of one collection compare as numbers."""
    if position.isdecimal() and known.isdecimal():
        return int(position) < int(known)
    return False
