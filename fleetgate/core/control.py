"""The control plane: a source in, snapshots out, in one task.

    source ─▶ pending events ─▶ state.apply ─▶ translator.steps ─▶ cache.publish
                                     (one turn: published whole, or not yet)

Nothing is published before every origin has listed, or the start deadline has passed. What comes
while a turn runs waits in the list of events and goes with the next one.

A turn that takes longer than a slice of time pauses, so that streams and the admin HTTP are served
meanwhile. The tables of translation are between two states in a pause: whoever reads them outside
of a turn does so `between_turns`, and what is said to the translator is kept for the next turn.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from fleet.events import Event, Listed, Members, Source, Unreachable
from fleet.models import IngressClass
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import Changes, FleetState, Origin
from fleetgate.core.addresses import Addresses
from fleetgate.core.problems import ProblemLog, Refusals, all_problems, outages, waiting
from fleetgate.core.roll_call import RollCall
from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from translators.graph.translator import Translation, Translator, Turn
from translators.merge.attachments import gateway_of
from translators.model.binds import Bind
from translators.model.statuses import Runtime
from xds.cache import SnapshotCache
from xds.resource import TypeUrl

log = logging.getLogger(__name__)

TURN_EVENTS = 500
"""Events in one turn, so that what they change is published before the next ones are read."""

SLICE = 0.02
"""Seconds of translation after which everybody else has a turn of the event loop."""

HEAVY = 500
"""Parts of a row that take about as long to compute."""


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """How the control plane starts, and where gateways listen.

    `start_deadline` is how long a member that does not answer may hold up the start, or a gateway
    to which it is newly attached, in seconds.
    `bind` is the address of every gateway, or, where all Envoys run on `one_host`, of the first:
    each further gateway takes the next one. `port_offset` is added to every gateway port. `taken`
    are the ports that Envoys need themselves, as far as that is known. Clients are `elsewhere`
    where statuses are read by other machines. `dialects` are those in which gateways are declared.
    """

    start_deadline: float = 10.0
    bind: str = "0.0.0.0"  # noqa: S104 (a gateway serves everybody; `--bind` narrows it)
    port_offset: int = 0
    taken: frozenset[int] = frozenset()
    one_host: bool = False
    elsewhere: bool = False
    dialects: Dialects = DIALECTS

    def bind_at(self, address: str) -> Bind:
        """How a gateway listens at its address."""
        return Bind(address, self.port_offset, self.taken, self.elsewhere)


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """What one turn did: its seconds, the events that it took in, the resources that it changed."""

    seconds: float
    events: int
    changed: Mapping[TypeUrl, int]


class Progress(Enum):
    """How far a gateway has come with the Envoys of one replica."""

    RUNNING = "running"
    LISTENING = "listening"


@dataclass(frozen=True, slots=True)
class News:
    """What a turn has changed for people: objects, statuses by object; and all problems."""

    changes: Changes
    statuses: frozenset[Ref]
    problems: tuple[Problem, ...]


class ControlPlane:
    """Turns what a source says into what Envoys get, while `run` runs.

    `between_turns` is held while the tables of translation are read or brought up to date.
    """

    def __init__(self, source: Source, cache: SnapshotCache, settings: ControlSettings) -> None:
        self.state = FleetState(lambda: datetime.now(UTC))
        self.cache = cache
        self.failures = 0
        self.dialects = settings.dialects
        bind = settings.bind_at(settings.bind)
        self.translator = Translator(self.state, self.dialects, bind, self._failed)
        self.gateways: dict[Ref, Bind] = {}
        self.gateways_changed = asyncio.Event()
        self.started = asyncio.Event()
        self.between_turns = asyncio.Lock()
        self._source = source
        self._settings = settings
        self._addresses = Addresses(settings.bind, one_host=settings.one_host)
        self._roll_call = RollCall()
        self._heard: set[str] = set()
        self._pending: list[Event] = []
        self._is_starting = True
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._due = False
        self._problem_log = ProblemLog()
        self._callbacks: list[Callable[[TurnTaken], None]] = []
        self._news: list[Callable[[News], None]] = []
        self._finders: list[Callable[[], Iterable[Problem]]] = []
        self._refusals: Callable[[], Mapping[Ref, str]] = dict
        self._found_anew = False
        self._told_by_clients: frozenset[Problem] = frozenset()
        self._refused = Refusals(cache, self.dialects)
        self._elsewhere: Mapping[str, Progress] = {}
        self._located: Mapping[Ref, tuple[str, ...]] = {}
        self._said_located: Mapping[Ref, tuple[str, ...]] = self._located
        cache.on_change(self._wake.set)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem known now, what Envoy refused included; read it `between_turns`."""
        more = (problem for found_by in self._finders for problem in found_by())
        return all_problems(self.state, self.translator.tables, (*self._by_clients(), *more))

    async def run(self) -> None:
        """Serve until cancelled. Raises what the source raises."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._source.run(self._take))
            tasks.create_task(self._work())
            tasks.create_task(self._problem_log.run())

    async def settle(self) -> None:
        """Return when everything declared at the time of the call has been published."""
        await self._source.refresh()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._rouse()
        await turn

    def sockets(self, gateway: Ref) -> tuple[tuple[str, int], ...]:
        """Where a gateway's listeners are, by address and port; none of what is no gateway."""
        bind, status = self.gateways.get(gateway), self.translator.tables.statuses.of_gateways
        found = status.get(gateway)
        if bind is None or found is None:
            return ()
        return tuple((bind.address, bind.port_for(listener)) for listener in found.listeners)

    def on_turn(self, callback: Callable[[TurnTaken], None]) -> Callable[[], None]:
        """Call back after each turn, within its task. Gives the way to stop."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def on_news(self, callback: Callable[[News], None]) -> None:
        """Call back when statuses, problems, origins or gateways change, within the turn's task."""
        self._news.append(callback)

    def finds_problems(self, finder: Callable[[], Iterable[Problem]]) -> None:
        """Have further problems looked for wherever problems are shown."""
        self._finders.append(finder)

    def _failed(self, table: str, key: object, error: Exception) -> None:
        """Go on without a row that could not be computed."""
        self.failures += 1
        log.error(
            "a mistake of fleetgate's own: %s of %s cannot be computed and stays as it was",
            table,
            key,
            exc_info=error,
        )

    def problems_changed(self) -> None:
        """Tell of problems anew: those that finders find may be others now."""
        self._found_anew = True
        self._rouse()

    def finds_refusals(self, finder: Callable[[], Mapping[Ref, str]]) -> None:
        """Have gateways fail, unless they listen, of which a reason is found."""
        self._refusals = finder

    def progress(self) -> dict[str, Progress]:
        """How the gateways stand by the Envoys that are connected here, by gateway name."""
        names = {self.dialects.name_of(ref) for ref in self.gateways}
        return {
            name: Progress.LISTENING if self.cache.listens(name) else Progress.RUNNING
            for name in names
            if self.cache.followed(name)
        }

    def heard_elsewhere(self, standing: Mapping[str, Progress]) -> None:
        """Take how the gateways stand by the Envoys that are connected to other replicas."""
        if standing != self._elsewhere:
            self._elsewhere = dict(standing)
            self._rouse()

    def locate(self, addresses: Mapping[Ref, tuple[str, ...]]) -> None:
        """Take where clients reach gateways, of those gateways where that is known."""
        self._located = dict(addresses)
        self._rouse()

    def _take(self, events: Sequence[Event]) -> None:
        if self._is_starting:
            self._roll_call.note(events)
            self._hear(events)
        self._pending.extend(events)
        self._rouse()

    def _hear(self, events: Sequence[Event]) -> None:
        """Say how origins stand, whom the start may wait for; the first turn takes it in again."""
        told = [event for event in events if isinstance(event, Listed | Unreachable | Members)]
        self._heard |= self.state.apply(told).origins
        self._problem_log.show(self.problems, outages(self.state))

    async def _work(self) -> None:
        await self._start()
        self._is_starting = False
        await self._turn(len(self._pending))
        self.started.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not (self._due or self._stands_otherwise()):
                continue  # clients answer all the time, and what is published wakes us too
            await self._turn(TURN_EVENTS)
            if self._pending or self._waiting:
                self._rouse()
                await asyncio.sleep(0)  # streams are served between turns

    def _rouse(self) -> None:
        """Have a turn."""
        self._due = True
        self._wake.set()

    def _stands_otherwise(self) -> bool:
        """Whether clients have made a gateway another than its status or problems say.

        O(gateways, and clients that wait for one).
        """
        known = self.translator.tables.inputs.runtimes
        turned = any(known.get(ref) != self._runtime(ref) for ref in self.gateways)
        return turned or self._by_clients() != self._told_by_clients

    def _by_clients(self) -> frozenset[Problem]:
        """What Envoys refuse of all gateways, and those that wait for one."""
        return self._refused.of(self.gateways).union(waiting(self.cache, self.dialects))

    async def _start(self) -> None:
        """Wait until every origin that was heard of has listed, members until the deadline.

        The hub has no deadline: who does not know the gateways would have to tell Envoys that come
        back to drop all that they serve.
        """
        try:
            async with asyncio.timeout(self._settings.start_deadline):
                await self._until(lambda: self._roll_call.is_complete)
        except TimeoutError:
            if not self._roll_call.knows_hub:
                log.warning(
                    "the hub has not been read within %g s (%s): nothing is served until it is, "
                    "Envoys go on with what they have",
                    self._settings.start_deadline,
                    self.state.origins.get(HUB, Origin()).message or "it has not answered yet",
                )
                await self._until(lambda: self._roll_call.knows_hub)
            if missing := self._roll_call.missing:
                log.warning("starting without %s: not read in time", ", ".join(missing))

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._wake.wait()
            self._wake.clear()

    async def _turn(self, limit: int) -> None:
        """Translate and publish up to `limit` of the pending events."""
        async with self.between_turns:
            await self._take_turn(limit)

    async def _take_turn(self, limit: int) -> None:
        began = time.perf_counter()
        self._due = False
        events, self._pending = self._pending[:limit], self._pending[limit:]
        changes = self.state.apply(events)
        heard, self._heard = self._heard, set()
        changes = replace(changes, origins=changes.origins | heard)
        gateways_changed = any(changes.objects.get(model) for model in self.dialects.models)
        gateways = self._place_gateways() if gateways_changed else self.gateways
        self._say(gateways)
        self._note_classes(changes)
        turn = await self._translate(changes)
        self._publish(turn, gateways)
        if gateways_changed:
            self.gateways = gateways
            self.gateways_changed.set()
        found_anew, self._found_anew = self._found_anew, False
        before, self._told_by_clients = self._told_by_clients, self._by_clients()
        found_anew = found_anew or self._told_by_clients != before
        changed = turn.statuses or changes.problems or changes.origins or gateways_changed
        if changed or found_anew:
            self._tell(changes, turn.statuses)
        taken = TurnTaken(time.perf_counter() - began, len(events), _changed(turn))
        for callback in tuple(self._callbacks):
            callback(taken)
        if not self._pending:
            for answer in self._waiting:
                if not answer.done():
                    answer.set_result(None)
            self._waiting.clear()

    async def _translate(self, changes: Changes) -> Turn:
        """Run the translator's steps, with a pause after each slice of time.

        A row that takes longer itself is computed in a thread, where the interpreter pauses it.
        """
        translation = Translation(self.translator, changes)
        pause = time.perf_counter() + SLICE
        while translation.turn is None:
            if translation.weight > HEAVY:
                await asyncio.to_thread(translation.step)
            else:
                translation.step()
            if time.perf_counter() >= pause:
                await asyncio.sleep(0)
                pause = time.perf_counter() + SLICE
        return translation.turn

    def _publish(self, turn: Turn, gateways: Iterable[Ref]) -> None:
        for group, update in turn.updates.items():
            self.cache.publish(group, update)
        for group in turn.dropped:
            self.cache.drop(group)
        for group in map(self.dialects.name_of, gateways):
            if not self.cache.is_published(group):
                self.cache.publish(group, {})  # it is declared, though there is nothing in it

    def _tell(self, changes: Changes, statuses: frozenset[Ref]) -> None:
        """Say what has changed for people."""
        problems = self.problems
        self._problem_log.show(problems, outages(self.state))
        for tell in self._news:
            tell(News(changes, statuses, problems))

    def _place_gateways(self) -> dict[Ref, Bind]:
        """Give every gateway its address; one that is gone gives it up."""
        addresses = self._addresses.assign(self.dialects.gateways_in(self.state))
        return {ref: self._settings.bind_at(address) for ref, address in addresses.items()}

    def _say(self, gateways: Mapping[Ref, Bind]) -> None:
        """Tell the translator what is known of the gateways beside what they declare."""
        translator = self.translator
        if gateways is not self.gateways:
            for ref in self.gateways.keys() - gateways.keys():
                translator.bind(ref, None)
                translator.observe(ref, None)
            for ref, bind in gateways.items():
                translator.bind(ref, bind)
        for ref in gateways:
            translator.observe(ref, self._runtime(ref))
        if self._located is not self._said_located:
            for ref in self._said_located.keys() - self._located.keys():
                translator.locate(ref, ())
            for ref, found in self._located.items():
                translator.locate(ref, found)
            self._said_located = self._located

    def _note_classes(self, changes: Changes) -> None:
        """Tell the translator of classes that went: their Ingresses were served by a gateway."""
        before, now = self.translator.tables.inputs.classes, self.state.table(IngressClass)
        for ref in changes.objects.get(IngressClass, ()):
            known = before.get(ref)
            if ref in now:
                self.translator.lose_class(ref, None)
            elif known is not None:
                self.translator.lose_class(ref, gateway_of(known, self.dialects))

    def _runtime(self, gateway: Ref) -> Runtime:
        """What Envoys have made of the gateway's configuration."""
        group = self.dialects.name_of(gateway)
        refused = [r for r in self.cache.rejections(group) if r.type_url == TypeUrl.LISTENER]
        elsewhere = self._elsewhere.get(group)
        listening = elsewhere is Progress.LISTENING or self.cache.listens(group)
        failure = f"Envoy refused {refused[0].name}: {refused[0].message}" if refused else ""
        if not listening and not failure:
            failure = self._refusals().get(gateway, "")
        return Runtime(
            running=elsewhere is not None or self.cache.followed(group),
            listening=listening,
            failure=failure,
        )


def _changed(turn: Turn) -> Counter[TypeUrl]:
    """How many resources of each type were published or removed."""
    changed: Counter[TypeUrl] = Counter()
    for update in turn.updates.values():
        changed.update({type_url: len(named) for type_url, named in update.items()})
    return changed
