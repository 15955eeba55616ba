"""Another fleetgate on the same hub, in a namespace of its own: one of them is in charge.

Each has a Lease of its leader, all by one name. The Lease says since when its fleetgate is in
charge, or that it stands by:

    nobody else is there          ──▶ in charge
    another one is in charge      ──▶ stand by, until that one has been gone for a minute
    both say that they are        ──▶ the one that has been for longer

Who stands by writes nothing and runs no Envoys. Envoys that are connected to it are served all the
same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Unreached
from fleet.kubernetes.lease import LEASE_NAME
from fleet.problem import Problem
from fleet.ref import HUB, Ref

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

IN_CHARGE: Final = "fleetgate.dev/in-charge"
"""The annotation of a leader's Lease: since when, or `no`. Versions without it always write."""

_LEASES: Final = "/apis/coordination.k8s.io/v1/leases"
_NO: Final = "no"
_ALWAYS: Final = ""
"""Since when a version without the annotation is in charge: for longer than anybody else."""

_HUB: Final = Ref(HUB, "Hub", "", "hub")


@dataclass(frozen=True, slots=True)
class NeighbourSettings:
    """Times in seconds: how often Leases are looked at, after how long without a renewal their
    fleetgate is gone, and how long one that finds a neighbour waits before it writes."""

    every: float = 10.0
    gone: float = 60.0
    settle: float = 5.0


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """Another fleetgate: its Lease's renewal, when we saw that change, and since when in charge."""

    renewed: str
    seen: float
    since: str | None


class Neighbours:
    """The other fleetgates of a hub, looked at while `watch` runs."""

    def __init__(
        self, api: ApiServer, namespace: str, holder: str, settings: NeighbourSettings | None = None
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._holder = holder
        self._settings = settings or NeighbourSettings()
        self._found: dict[str, _Neighbour] = {}
        self._since: str | None = None
        self._looked = asyncio.Event()
        self._refusal = ""
        self._said: str | None = None
        self._told: tuple[bool, frozenset[str]] = (False, frozenset())
        self._callbacks: list[Callable[[], None]] = []
        self.in_charge = False

    @property
    def problems(self) -> Iterator[Problem]:
        """The other fleetgates that are there, and which of them all is in charge."""
        ours, others = self._told
        for namespace in sorted(others):
            effect = (
                "it stands by: it writes nothing there and runs no Envoys while this one is there"
                if ours
                else "it is in charge: this one writes nothing there and runs no Envoys, until "
                f"that one has been gone for {self._settings.gone:g} s"
            )
            expected = "one fleetgate on a hub"
            yield Problem(_HUB, "AnotherFleetgate", "--namespace", namespace, expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `problems` have changed."""
        self._callbacks.append(callback)

    def sign(self, lease: Json) -> Mapping[str, str]:
        """What the leader's Lease says; `lease` is how it stands before it is taken, or renewed.

        Whoever follows within a minute goes on with what the leader before was: for neighbours it
        was never gone.
        """
        spec = lease.get("spec", {})
        if _age(spec.get("renewTime", "")) >= self._settings.gone:
            self._since = None
        elif spec.get("holderIdentity") != self._holder:
            said = (lease["metadata"].get("annotations") or {}).get(IN_CHARGE, _ALWAYS)
            self._since = None if said == _NO else said
        return {IN_CHARGE: _NO if self._since is None else self._since}

    async def watch(self) -> None:
        """Look at the Leases until cancelled; every replica does, to know and to tell."""
        while True:
            await self._look()
            await asyncio.sleep(self._settings.every)

    async def lead(self, write: Callable[[], Awaitable[None]]) -> None:
        """Run `write` while this fleetgate is in charge, until cancelled; the leader does."""
        writing: asyncio.Task[None] | None = None
        await self._look()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self.in_charge = await self._decide()
                    self._tell()
                    if self.in_charge and writing is None:
                        writing = group.create_task(_awaited(write))
                    elif not self.in_charge and writing is not None:
                        writing.cancel()
                        await asyncio.wait([writing])
                        writing = None
                    await self._looked.wait()
        finally:
            self.in_charge = False

    async def _decide(self) -> bool:
        """Whether we are in charge, by what was read last."""
        self._looked.clear()
        if self._since is None and not self._rivals():
            self._since = _now()
            if self._alive():
                # It may be about to say the same; by then both have read what the other says.
                await asyncio.sleep(self._settings.settle)
                await self._look()
        if not self._comes_before(self._rivals(), self._since):
            self._since = None
        return self._since is not None

    def _comes_before(self, rivals: list[tuple[str, str]], since: str | None) -> bool:
        """Whether who has been in charge `since` then stays so."""
        return since is not None and all((since, self._namespace) < rival for rival in rivals)

    def _rivals(self) -> list[tuple[str, str]]:
        """Those that say they are in charge: since when, and their namespaces."""
        alive = self._alive()
        return [(each.since, name) for name, each in alive.items() if each.since is not None]

    def _alive(self) -> dict[str, _Neighbour]:
        now = asyncio.get_running_loop().time()
        return {n: each for n, each in self._found.items() if now - each.seen < self._settings.gone}

    async def _look(self) -> None:
        """Read the Leases; while the hub does not answer, what was read last holds."""
        query = [("fieldSelector", f"metadata.name={LEASE_NAME}"), ("resourceVersion", "0")]
        try:
            reply = await self._api.request("GET", _LEASES, query=query)
        except Unreached:
            return
        if reply.ok:
            self._take(reply.json()["items"])
        elif reply.message != self._refusal:
            log.warning(
                "whether another fleetgate serves this hub is not known, it does not let this one "
                "look: %s",
                reply.message,
            )
        self._refusal = "" if reply.ok else reply.message
        self._tell()
        self._looked.set()

    def _take(self, leases: list[Json]) -> None:
        now = asyncio.get_running_loop().time()
        found = {}
        for lease in leases:
            namespace, spec = lease["metadata"]["namespace"], lease.get("spec", {})
            said = (lease["metadata"].get("annotations") or {}).get(IN_CHARGE, _ALWAYS)
            since = None if said == _NO else said
            if namespace == self._namespace:
                self._said = since
                continue
            renewed = spec.get("renewTime", "")
            before = self._found.get(namespace)
            seen = now
            if before is not None and before.renewed == renewed:
                seen = before.seen
            elif before is None and _age(renewed) > 2 * self._settings.gone:
                seen = now - self._settings.gone  # it was gone before we came
            found[namespace] = _Neighbour(renewed, seen, since)
        self._found = found

    def _tell(self) -> None:
        alive, rivals = frozenset(self._alive()), self._rivals()
        ours = self.in_charge or self._comes_before(rivals, self._said)
        if alive and not (ours or rivals):
            return  # it is being decided
        told = ours, alive
        if told != self._told:
            self._told = told
            for callback in self._callbacks:
                callback()


async def _awaited(write: Callable[[], Awaitable[None]]) -> None:
    await write()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _age(moment: str) -> float:
    """Seconds since then, by the clock of this host; none is very long ago."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    except ValueError:
        return float("inf")
