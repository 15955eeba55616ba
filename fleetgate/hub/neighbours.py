"""The choice between several fleetgates on one hub, each in a namespace of its own.

One of them is in charge. The others stand by: they write nothing to the hub and run no Envoys, but
they serve the Envoys that are connected to them. Each fleetgate has a Lease of its leader, and all
these Leases have one name. An annotation of the Lease says since when its fleetgate is in charge,
or that it stands by.

    there is no other fleetgate     ──▶ be in charge
    another one is in charge        ──▶ stand by, until it has been gone for a minute
    both say that they are          ──▶ the one that has been in charge for longer

A Lease counts once its fleetgate has proven its rights (`proof.py`), since tenants of the hub may
write Leases in their own namespaces.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer, Unreached
from fleet.kubernetes.lease import LEASE_NAME
from fleet.problem import Problem
from fleetgate.core.problems import HUB_OBJECT
from fleetgate.hub.moments import age, now_text
from fleetgate.hub.proof import QUESTION, Answers, ask, is_answer

log = logging.getLogger(__name__)

Json: TypeAlias = Any  # as an API server has it

IN_CHARGE: Final = "fleetgate.dev/in-charge"
"""The annotation of a leader's Lease: the time from which it is in charge, or `no`.

Old versions of fleetgate lack it, and always write. They answer no questions, so they are not
believed, and keep no other fleetgate from writing.
"""

_LEASES: Final = "/apis/coordination.k8s.io/v1/leases"
_NO: Final = "no"
_ALWAYS: Final = ""
"""The time of a Lease without the annotation. It sorts before all others."""


@dataclass(frozen=True, slots=True)
class NeighbourSettings:
    """Times in seconds.

    Leases are read at the interval `every`. A fleetgate whose Lease is not renewed for `gone` is
    gone. A fleetgate that finds another one waits for `settle` before it writes, so that the other
    one has read its Lease and has answered. Each fleetgate asks a new question at the interval
    `ask`. An answer counts for two questions, and API servers keep it for an hour.
    """

    every: float = 10.0
    gone: float = 60.0
    settle: float = 15.0
    ask: float = 600.0


@dataclass(frozen=True, slots=True)
class _Neighbour:
    """The Lease of a fleetgate, or of somebody who claims to be one.

    `renewed` is its renewal, and `seen` the time of this host at which that changed. `since` is its
    claim to be in charge, None where it stands by, and `heard` the time at which that changed.
    """

    renewed: str
    seen: float
    since: str | None
    heard: float
    question: str


@dataclass(frozen=True, slots=True)
class _Standing:
    """Whether this fleetgate is in charge, the others, and those with an unproven claim."""

    ours: bool = False
    others: frozenset[str] = frozenset()
    unproven: frozenset[str] = frozenset()


class Neighbours:
    """The other fleetgates on a hub. `watch` reads their Leases.

    `in_charge` is whether this replica writes to the hub. `holder` is its name in the Lease.
    """

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
        self._standing = _Standing()
        self._callbacks: list[Callable[[], None]] = []
        self.in_charge = False

    @property
    def problems(self) -> Iterator[Problem]:
        """A problem for each other fleetgate, and for each Lease whose claim is unproven."""
        for namespace in sorted(self._standing.others):
            effect = (
                "it stands by: it writes nothing there and runs no Envoys while this one is there"
                if self._standing.ours
                else "it is in charge: this one writes nothing there and runs no Envoys, until "
                f"that one has been gone for {self._settings.gone:g} s"
            )
            expected = "one fleetgate on a hub"
            key = "--namespace"
            yield Problem(HUB_OBJECT, "AnotherFleetgate", key, namespace, expected, effect)
        for namespace in sorted(self._standing.unproven):
            expected = "no Lease of this name but those of fleetgates that prove their rights"
            effect = (
                "it says that its fleetgate is in charge, and is not believed; where an older "
                "fleetgate runs there, both write: upgrade or remove that one"
            )
            key = f"Lease {LEASE_NAME} in"
            yield Problem(HUB_OBJECT, "UnprovenFleetgate", key, namespace, expected, effect)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when `problems` have changed."""
        self._callbacks.append(callback)

    def sign(self, lease: Json) -> Mapping[str, str]:
        """Return the annotations of the leader's Lease. `lease` is the Lease before its renewal.

        A leader that follows within a minute keeps the claim of the leader before: the other
        fleetgates have not noticed the change.
        """
        spec = lease.get("spec", {})
        now = asyncio.get_running_loop().time()
        question = self._question
        if age(spec.get("renewTime", "")) >= self._settings.gone:
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
        """Read the Leases until cancelled. Every replica does so, and shows `problems`."""
        while True:
            await self._look()
            await asyncio.sleep(self._settings.every)

    async def lead(self, write: Callable[[], Awaitable[None]]) -> None:
        """Run `write` while this fleetgate is in charge, until cancelled. Only the leader does."""
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
        """Return whether this fleetgate is in charge by the Leases that were read last."""
        self._looked.clear()
        if self._since is None and not self._rivals():
            self._since = now_text()
            if self._alive():
                # The other one may make the same claim now, or may not have answered yet. After
                # `settle` each has read the other one's Lease, and has answered.
                await self._answer()
                await asyncio.sleep(self._settings.settle)
                await self._look()
        if not self._comes_before(self._rivals(), self._since):
            self._since = None
        return self._since is not None

    def _comes_before(self, rivals: list[tuple[str, str]], since: str | None) -> bool:
        """Return whether a claim of this fleetgate is older than those of all rivals."""
        return since is not None and all((since, self._namespace) < rival for rival in rivals)

    def _rivals(self) -> list[tuple[str, str]]:
        """Return the proven claims of others: the time of each, and its namespace."""
        return [
            (neighbour.since, name)
            for name, neighbour in self._claims().items()
            if neighbour.since is not None and name in self._proven
        ]

    def _claims(self) -> dict[str, _Neighbour]:
        """Return those that say they are in charge, by namespace."""
        alive = self._alive()
        return {name: alive[name] for name in alive if alive[name].since is not None}

    def _alive(self) -> dict[str, _Neighbour]:
        """Return those whose Lease was renewed lately, by namespace."""
        oldest = asyncio.get_running_loop().time() - self._settings.gone
        return {n: neighbour for n, neighbour in self._found.items() if neighbour.seen > oldest}

    async def _look(self) -> None:
        """Read the Leases. While the hub does not answer, those that were read last count."""
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
        """Read the answers of those that say they are in charge."""
        answers = await self._answers.got() if self._claims() else {}
        if answers is not None:
            self._proven = frozenset(
                name for name in answers if is_answer(answers[name], self._our_question)
            )

    async def _answer(self) -> None:
        """Answer the questions of all others while this replica says that it is in charge."""
        if self._leads and self._since is not None:
            await self._answers.give({n: other.question for n, other in self._alive().items()})

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
            elif before is None and age(renewed) > 2 * self._settings.gone:
                seen = now - self._settings.gone  # it was gone before this process started
            heard = before.heard if before is not None and before.since == since else now
            found[namespace] = _Neighbour(renewed, seen, since, heard, question)
        self._found = found

    def _tell(self) -> None:
        rivals, claims = self._rivals(), self._claims()
        unproven = frozenset(claims.keys() - self._proven)
        others = frozenset(self._alive().keys() - unproven)
        ours = self.in_charge or self._comes_before(rivals, self._said)
        if others and not (ours or rivals):
            return  # none is in charge yet
        settled = asyncio.get_running_loop().time() - self._settings.settle
        lasting = frozenset(name for name in unproven if claims[name].heard <= settled)
        standing = _Standing(ours, others, lasting)
        if standing != self._standing:
            self._standing = standing
            for callback in self._callbacks:
                callback()


async def _awaited(write: Callable[[], Awaitable[None]]) -> None:
    await write()
