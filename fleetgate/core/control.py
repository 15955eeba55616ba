"""The control plane: it turns the events of a source into snapshots, in one task.

    source ─▶ pending events ─▶ state.apply ─▶ translator.steps ─▶ cache.publish
                                └──────────── one turn, published as a whole ───┘

Nothing is published before every origin has listed, or the start deadline has passed. Events that
come during a turn wait for the next one.

A turn that takes longer than a slice of time pauses, so that streams and the admin HTTP are served
meanwhile. During a pause the tables of translation are not consistent. So code outside of a turn
reads them under the lock `between_turns`, and the translator keeps its inputs for the next turn.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Never

from fleet.events import Event, Listed, Members, Source, Unreachable
from fleet.models import IngressClass
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.state import Changes, FleetState, Origin
from fleetgate.core.addresses import Addresses
from fleetgate.core.problems import ProblemLog, Refusals, all_problems, outages, waiting
from fleetgate.core.roll_call import RollCall
from fleetgate.defaults import ANY_ADDRESS, START_DEADLINE
from translators.dialects import DIALECTS
from translators.dialects.dialect import Dialects
from translators.graph.translator import Translation, Translator, Turn
from translators.merge.attachments import gateway_of
from translators.model.binds import Bind
from translators.model.listeners import ListenerPort, Protocol
from translators.model.statuses import Runtime
from xds.cache import SnapshotCache
from xds.resource import TypeUrl

log = logging.getLogger(__name__)

TURN_EVENTS = 500
"""The most events of one turn, so that a flood of events does not delay the first changes."""

SLICE = 0.02
"""Seconds of translation after which a turn pauses."""

CLOCK_STEP = timedelta(hours=1)
"""The time between two looks at the periods of all certificates."""

HEAVY = 500
"""Parts of a row that take about one SLICE to compute."""


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """The settings of a control plane.

    A member without an answer delays the start, or a gateway that newly attaches it, for
    `start_deadline` seconds at most. `bind` is the address of every gateway. Where all Envoys run
    on `one_host`, it is the address of the first gateway, and each further one takes the next
    address. `port_offset` is added to every gateway port. No listener may have a port of `taken`,
    since Envoys need these themselves. `elsewhere` says that other machines read the statuses, so
    that loopback addresses mean nothing there. Gateways may be declared in any of `dialects`. `now`
    gives the time, by which certificates end.
    """

    start_deadline: float = START_DEADLINE
    bind: str = ANY_ADDRESS
    port_offset: int = 0
    taken: frozenset[int] = frozenset()
    one_host: bool = False
    elsewhere: bool = False
    dialects: Dialects = DIALECTS
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def bind_at(self, address: str) -> Bind:
        """Return the bind of a gateway that listens on `address`."""
        return Bind(address, self.port_offset, self.taken, self.elsewhere)


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """The work of one turn: its seconds, the events that it took in, the resources it changed."""

    seconds: float
    events: int
    changed: Mapping[TypeUrl, int]


class Progress(Enum):
    """The state of a gateway at the Envoys of one replica: connected, or also listening."""

    RUNNING = "running"
    LISTENING = "listening"


@dataclass(frozen=True, slots=True)
class News:
    """The objects and statuses that a turn has changed, and all problems after it."""

    changes: Changes
    statuses: frozenset[Ref]
    problems: tuple[Problem, ...]


class ControlPlane:
    """Translates and publishes the events of a source while `run` runs.

    Code holds the lock `between_turns` while it reads the tables of translation. A turn holds it
    too. `failures` counts the rows that could not be computed.
    """

    def __init__(self, source: Source, cache: SnapshotCache, settings: ControlSettings) -> None:
        self.state = FleetState(settings.now)
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
        self._early_origins: set[str] = set()
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
        self._problems_changed = False
        self._shown_of_clients: frozenset[Problem] = frozenset()
        self._refused = Refusals(cache, self.dialects)
        self._elsewhere: Mapping[str, Progress] = {}
        self._located: Mapping[Ref, tuple[str, ...]] = {}
        self._translated_located: Mapping[Ref, tuple[str, ...]] = self._located
        cache.on_change(self._wake.set)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, including resources that Envoys rejected. Read it `between_turns`."""
        more = (problem for find in self._finders for problem in find())
        return all_problems(self.state, self.translator.tables, (*self._of_clients(), *more))

    async def run(self) -> None:
        """Serve until cancelled. Raises an exception group with the errors of the source."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._source.run(self._take))
            tasks.create_task(self._work())
            tasks.create_task(self._follow_time())
            tasks.create_task(self._problem_log.run())

    async def settle(self) -> None:
        """Return when everything that is declared at the time of the call has been published."""
        await self._source.refresh()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._rouse()
        await turn

    def sockets(self, gateway: Ref) -> tuple[tuple[str, int], ...]:
        """Return the address and port of each listener of a gateway, none for an unknown one.

        A listener for QUIC has the same ones as a listener for TLS, and is left out.
        """
        return tuple((bind.address, bind.port_for(at)) for bind, at in self._listening(gateway))

    def urls(self, gateway: Ref) -> tuple[str, ...]:
        """Return the URL of each listener of a gateway, none for an unknown one."""
        return tuple(
            f"{at.scheme}://{bind.address}:{bind.port_for(at)}"
            for bind, at in self._listening(gateway)
        )

    def _listening(self, gateway: Ref) -> Iterator[tuple[Bind, ListenerPort]]:
        bind = self.gateways.get(gateway)
        status = self.translator.tables.statuses.of_gateways.get(gateway)
        for at in status.listeners if bind and status else ():
            if bind and at.protocol is not Protocol.QUIC:
                yield bind, at

    def on_turn(self, callback: Callable[[TurnTaken], None]) -> Callable[[], None]:
        """Call `callback` in the task of the turns after each of them. Return a way to stop."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def on_news(self, callback: Callable[[News], None]) -> None:
        """Call `callback` when statuses, problems, origins or gateways have changed.

        It is called in the task of the turns, while the lock is held.
        """
        self._news.append(callback)

    def finds_problems(self, finder: Callable[[], Iterable[Problem]]) -> None:
        """Add the problems that `finder` returns to `problems`. It is called each time anew."""
        self._finders.append(finder)

    def _failed(self, table: str, key: object, error: Exception) -> None:
        """Count and log a row that could not be computed. It keeps its value."""
        self.failures += 1
        log.error(
            "a mistake of fleetgate's own: %s of %s cannot be computed and stays as it was",
            table,
            key,
            exc_info=error,
        )

    def problems_changed(self) -> None:
        """Have the next turn tell of problems, since a finder may return others than before."""
        self._problems_changed = True
        self._rouse()

    def finds_refusals(self, finder: Callable[[], Mapping[Ref, str]]) -> None:
        """Give gateways the phase Failed for which `finder` has a reason, unless they listen."""
        self._refusals = finder

    def progress(self) -> dict[str, Progress]:
        """Return the state of each gateway at the Envoys of this replica, by gateway name."""
        names = {self.dialects.name_of(ref) for ref in self.gateways}
        return {
            name: Progress.LISTENING if self.cache.listens(name) else Progress.RUNNING
            for name in names
            if self.cache.followed(name)
        }

    def heard_elsewhere(self, progress: Mapping[str, Progress]) -> None:
        """Take in the state of each gateway at the Envoys of other replicas."""
        if progress != self._elsewhere:
            self._elsewhere = dict(progress)
            self._rouse()

    def locate(self, addresses: Mapping[Ref, tuple[str, ...]]) -> None:
        """Take in the known addresses at which clients reach gateways, in place of all before."""
        self._located = dict(addresses)
        self._rouse()

    def _take(self, events: Sequence[Event]) -> None:
        if self._is_starting:
            self._roll_call.note(events)
            self._show_origins(events)
        self._pending.extend(events)
        self._rouse()

    def _show_origins(self, events: Sequence[Event]) -> None:
        """Apply the events about origins before the first turn, and log outages.

        So an operator learns why the start waits. The first turn applies these events once more.
        """
        about_origins = [e for e in events if isinstance(e, Listed | Unreachable | Members)]
        self._early_origins |= self.state.apply(about_origins).origins
        self._problem_log.show(self.problems, outages(self.state))

    async def _work(self) -> None:
        await self._start()
        self._is_starting = False
        await self._turn(len(self._pending))
        self.started.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not (self._due or self._clients_changed()):
                continue  # the cache also reports each publication and each acknowledgement
            await self._turn(TURN_EVENTS)
            if self._pending or self._waiting:
                self._rouse()
                await asyncio.sleep(0)  # streams are served between turns

    def _rouse(self) -> None:
        """Have a turn run soon."""
        self._due = True
        self._wake.set()

    def _clients_changed(self) -> bool:
        """Return whether Envoys have changed the state or the problems of a gateway.

        The cost is O(gateways, and clients that wait for one).
        """
        known = self.translator.tables.inputs.runtimes
        changed = any(known.get(ref) != self._runtime(ref) for ref in self.gateways)
        return changed or self._of_clients() != self._shown_of_clients

    def _of_clients(self) -> frozenset[Problem]:
        """Return the problems of rejected resources, and of Envoys whose gateway is unknown."""
        return self._refused.of(self.gateways).union(waiting(self.cache, self.dialects))

    async def _start(self) -> None:
        """Wait until every known origin has listed. Members have a deadline, the hub has none.

        Without the hub the gateways are unknown, and Envoys that reconnect would be told to drop
        all that they serve.
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
        early, self._early_origins = self._early_origins, set()
        changes = replace(changes, origins=changes.origins | early)
        gateways_changed = any(changes.objects.get(model) for model in self.dialects.models)
        gateways = self._place_gateways() if gateways_changed else self.gateways
        self._set_inputs(gateways)
        self._note_classes(changes)
        turn = await self._translate(changes)
        self._publish(turn, gateways)
        if gateways_changed:
            self.gateways = gateways
            self.gateways_changed.set()
        problems_changed, self._problems_changed = self._problems_changed, False
        before, self._shown_of_clients = self._shown_of_clients, self._of_clients()
        problems_changed = problems_changed or self._shown_of_clients != before
        changed = turn.statuses or changes.problems or changes.origins or gateways_changed
        if changed or problems_changed:
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

        A single row that takes longer is computed in a thread, which shares the interpreter with
        the event loop.
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
        # Remembered objects name Secrets, and no Secret is remembered: until the hub has been read,
        # an Envoy keeps the certificates that it has, and its listeners for TLS.
        is_read = self.state.origins.get(HUB, Origin()).listed
        self.cache.undecide(*(() if is_read else (TypeUrl.SECRET, TypeUrl.LISTENER)))
        for group, update in turn.updates.items():
            self.cache.publish(group, update)
        for group in turn.dropped:
            self.cache.drop(group)
        for group in map(self.dialects.name_of, gateways):
            if not self.cache.is_published(group):
                self.cache.publish(group, {})  # a gateway without resources is declared too

    def _tell(self, changes: Changes, statuses: frozenset[Ref]) -> None:
        """Log problems, and call the callbacks of `on_news`."""
        problems = self.problems
        self._problem_log.show(problems, outages(self.state))
        for callback in self._news:
            callback(News(changes, statuses, problems))

    def _place_gateways(self) -> dict[Ref, Bind]:
        """Return the bind of every gateway. Gateways that are gone free their addresses."""
        addresses = self._addresses.assign(self.dialects.gateways_in(self.state))
        return {ref: self._settings.bind_at(address) for ref, address in addresses.items()}

    async def _follow_time(self) -> Never:
        """Have a turn run at each step of the clock."""
        while True:
            now = self._settings.now()
            await asyncio.sleep((_step(now) + CLOCK_STEP - now).total_seconds())
            self._rouse()

    def _set_inputs(self, gateways: Mapping[Ref, Bind]) -> None:
        """Give the translator the time, and the binds, the states and the addresses of gateways."""
        translator = self.translator
        translator.tell_time(_step(self._settings.now()))
        if gateways is not self.gateways:
            for ref in self.gateways.keys() - gateways.keys():
                translator.bind(ref, None)
                translator.observe(ref, None)
            for ref, bind in gateways.items():
                translator.bind(ref, bind)
        for ref in gateways:
            translator.observe(ref, self._runtime(ref))
        if self._located is not self._translated_located:
            for ref in self._translated_located.keys() - self._located.keys():
                translator.locate(ref, ())
            for ref, addresses in self._located.items():
                translator.locate(ref, addresses)
            self._translated_located = self._located

    def _note_classes(self, changes: Changes) -> None:
        """Tell the translator of deleted IngressClasses, with the gateways that they stood for."""
        before, now = self.translator.tables.inputs.classes, self.state.table(IngressClass)
        for ref in changes.objects.get(IngressClass, ()):
            known = before.get(ref)
            if ref in now:
                self.translator.lose_class(ref, None)
            elif known is not None:
                self.translator.lose_class(ref, gateway_of(known, self.dialects))

    def _runtime(self, gateway: Ref) -> Runtime:
        """Return the state of a gateway at the Envoys of all replicas."""
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


def _step(now: datetime) -> datetime:
    """Return the begin of the step of the clock in which a time is."""
    return now.replace(minute=0, second=0, microsecond=0)


def _changed(turn: Turn) -> Counter[TypeUrl]:
    """Return the number of resources of each type that were published or removed."""
    changed: Counter[TypeUrl] = Counter()
    for update in turn.updates.values():
        changed.update({type_url: len(named) for type_url, named in update.items()})
    return changed
