"""Another fleetgate on the same hub, in a namespace of its own: one of them is in charge.

Each has a Lease of its leader, all by one name. The Lease says since when its fleetgate is in
charge, or that it stands by:

    nobody else is there          ──▶ in charge
    another one is in charge      ──▶ stand by, until that one has been gone for a minute
    both say that they are        ──▶ the one that has been for longer

What a Lease says counts once its fleetgate has proven its rights (`fleetgate/proof.py`): in their
own namespaces, tenants of the hub may write Leases too.

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
from fleetgate.hub.proof import QUESTION, Answers, ask, is_answer

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

IN_CHARGE: Final = "fleetgate.dev/in-charge"
"""The annotation of a leader's Lease: since when, or `no`.

Versions without it always write. They answer no questions, so they keep nobody from writing.
"""

_LEASES: Final = "/apis/coordination.k8s.io/v1/leases"
_NO: Final = "no"
_ALWAYS: Final = ""
"""Since when a version without the annotation is in charge: for longer than anybody else."""

_HUB: Final = Ref(HUB, "Hub", "", "hub")


@dataclass(frozen=True, slots=True)
class NeighbourSettings:
    """Times in seconds: how often Leases are looked at, after how long without a renewal their
    fleetgate is gone, and how often there is a new question to others.

    `settle` is how long one that finds a neighbour waits before it writes, so that this has looked,
    and has answered. An answer counts for two questions; API servers keep it for an hour.
    """

    every: float = 10.0
    gone: float = 60.0
    settle: float = 15.0
    ask: float = 600.0


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """What may be another fleetgate: its Lease's renewal, and when we saw that change; since when
    it is in charge, and since when we hear that; what it asks."""

    renewed: str
    seen: float
    since: str | None
    heard: float
    question: str


@dataclass(frozen=True, slots=True)
class _Told:
    """Whether ours is in charge, the others, and those that only say they are in charge."""

    ours: bool = False
    others: frozenset[str] = frozenset()
    unproven: frozenset[str] = frozenset()


class Neighbours:
    """The other fleetgates of a hub, looked at while `watch` runs."""

    def __init__(
        self, api: ApiServer, namespace: str, holder: str, settings: NeighbourSettings | None = None
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._holder = holder
        self._settings = settings or NeighbourSettings()
        self._answers = Answers(api, namespace)
        self._found: dict[str, _Neighbour] = {}
        self._proven: frozenset[str] = frozenset()
        self._since: str | None = None
        self._leads = False
        self._question = ""
        self._asked = 0.0
        self._looked = asyncio.Event()
        self._refusal = ""
        self._said: str | None = None
        self._our_question = ""
        self._told = _Told()
        self._callbacks: list[Callable[[], None]] = []
        self.in_charge = False

    @property
    def problems(self) -> Iterator[Problem]:
        """The other fleetgates that are there, and which of them all is in charge."""
        for namespace in sorted(self._told.others):
            effect = (
                "it stands by: it writes nothing there and runs no Envoys while this one is there"
                if self._told.ours
                else "it is in charge: this one writes nothing there and runs no Envoys, until "
                f"that one has been gone for {self._settings.gone:g} s"
            )
            expected = "one fleetgate on a hub"
            yield Problem(_HUB, "AnotherFleetgate", "--namespace", namespace, expected, effect)
        for namespace in sorted(self._told.unproven):
            expected = "no Lease of this name but those of fleetgates that prove their rights"
            effect = (
                "it says that its fleetgate is in charge, and is not believed; where an older "
                "fleetgate runs there, both write: upgrade or remove that one"
            )
            key = f"Lease {LEASE_NAME} in"
            yield Problem(_HUB, "UnprovenFleetgate", key, namespace, expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `problems` have changed."""
        self._callbacks.append(callback)

    def sign(self, lease: Json) -> Mapping[str, str]:
        """What the leader's Lease says; `lease` is how it stands before it is taken, or renewed.

        Whoever follows within a minute goes on with what the leader before was: for neighbours it
        was never gone.
        """
        spec = lease.get("spec", {})
        now = asyncio.get_running_loop().time()
        question = self._question
        if _age(spec.get("renewTime", "")) >= self._settings.gone:
            self._since = None
            question = ask()
        elif spec.get("holderIdentity") != self._holder:
            annotations = lease["metadata"].get("annotations") or {}
            said = annotations.get(IN_CHARGE, _ALWAYS)
            self._since = None if said == _NO else said
            question = ask(annotations.get(QUESTION, ""))
        elif now - self._asked >= self._settings.ask:
            question = ask(question)
        if question != self._question:
            self._question, self._asked = question, now
        return {IN_CHARGE: _NO if self._since is None else self._since, QUESTION: question}

    async def watch(self) -> None:
        """Look at the Leases until cancelled; every replica does, to know and to tell."""
        while True:
            await self._look()
            await asyncio.sleep(self._settings.every)

    async def lead(self, write: Callable[[], Awaitable[None]]) -> None:
        """Run `write` while this fleetgate is in charge, until cancelled; the leader does."""
        writing: asyncio.Task[None] | None = None
        self._leads = True
        try:
            await self._look()
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
            self.in_charge = self._leads = False

    async def _decide(self) -> bool:
        """Whether we are in charge, by what was read last."""
        self._looked.clear()
        if self._since is None and not self._rivals():
            self._since = _now()
            if self._alive():
                # It may be about to say the same, or has not been asked before; by then both have
                # read what the other says, and have answered.
                await self._answer()
                await asyncio.sleep(self._settings.settle)
                await self._look()
        if not self._comes_before(self._rivals(), self._since):
            self._since = None
        return self._since is not None

    def _comes_before(self, rivals: list[tuple[str, str]], since: str | None) -> bool:
        """Whether who has been in charge `since` then stays so."""
        return since is not None and all((since, self._namespace) < rival for rival in rivals)

    def _rivals(self) -> list[tuple[str, str]]:
        """Those that say they are in charge, and may: since when, and their namespaces."""
        return [
            (each.since, name)
            for name, each in self._claims().items()
            if each.since is not None and name in self._proven
        ]

    def _claims(self) -> dict[str, _Neighbour]:
        """Those that say they are in charge."""
        return {name: each for name, each in self._alive().items() if each.since is not None}

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
            await self._prove()
            await self._answer()
        elif reply.message != self._refusal:
            log.warning(
                "whether another fleetgate serves this hub is not known, it does not let this one "
                "look: %s",
                reply.message,
            )
        self._refusal = "" if reply.ok else reply.message
        self._tell()
        self._looked.set()

    async def _prove(self) -> None:
        """Read who of those that say they are in charge has answered."""
        answers = await self._answers.got() if self._claims() else {}
        if answers is not None:
            self._proven = frozenset(
                name for name in answers if is_answer(answers[name], self._our_question)
            )

    async def _answer(self) -> None:
        """Answer everybody who asks, where we say that we are in charge."""
        if self._leads and self._since is not None:
            await self._answers.give({n: each.question for n, each in self._alive().items()})

    def _take(self, leases: list[Json]) -> None:
        now = asyncio.get_running_loop().time()
        found = {}
        for lease in leases:
            namespace, spec = lease["metadata"]["namespace"], lease.get("spec", {})
            annotations = lease["metadata"].get("annotations") or {}
            said, question = annotations.get(IN_CHARGE, _ALWAYS), annotations.get(QUESTION, "")
            since = None if said == _NO else said
            if namespace == self._namespace:
                self._said, self._our_question = since, question
                continue
            renewed = spec.get("renewTime", "")
            before = self._found.get(namespace)
            seen = now
            if before is not None and before.renewed == renewed:
                seen = before.seen
            elif before is None and _age(renewed) > 2 * self._settings.gone:
                seen = now - self._settings.gone  # it was gone before we came
            heard = before.heard if before is not None and before.since == since else now
            found[namespace] = _Neighbour(renewed, seen, since, heard, question)
        self._found = found

    def _tell(self) -> None:
        rivals, claims = self._rivals(), self._claims()
        unproven = frozenset(claims.keys() - self._proven)
        others = frozenset(self._alive().keys() - unproven)
        ours = self.in_charge or self._comes_before(rivals, self._said)
        if others and not (ours or rivals):
            return  # it is being decided
        lately = asyncio.get_running_loop().time() - self._settings.settle
        told = _Told(ours, others, frozenset(n for n in unproven if claims[n].heard <= lately))
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
