"""One Pod of the demo: a process, its deaths, and what a readiness probe makes of them.

start ──listening──▶ ready ──dies──▶ (still listed) ──unready_after──▶ not ready
  ▲                                                                        │
  └──────────── restart_after, or revive() where kill() held it ───────────┘
"""

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fleetgate.demo import backend
from fleetgate.demo.workloads import PodTemplate
from fleetgate.lifetime import ended

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a kubelet notices and mends what died.

    `unready_after` is how long endpoints go on naming a dead Pod, as a failing readiness probe
    does: meanwhile the gateway is on its own.
    """

    unready_after: timedelta = timedelta(seconds=10)
    restart_after: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """The Deployment that a Pod belongs to."""

    member: str
    namespace: str
    deployment: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Pod listens."""

    address: str
    ports: tuple[int, ...]


class Pod:
    """One replica; `run` keeps its process alive until cancelled.

    `enter` stands in front of its command, as `Network.enter` says.
    """

    def __init__(
        self,
        name: str,
        owner: Owner,
        template: PodTemplate,
        place: Place,
        pace: Pace,
        changed: Callable[[], None],
        enter: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.owner = owner
        self.template = template
        self.place = place
        self.ready = False
        self._pace = pace
        self._changed = changed
        self._enter = enter
        self._process: asyncio.SubprocessTransport | None = None
        self._listening = False
        self._doubt: asyncio.TimerHandle | None = None
        self._released = asyncio.Event()
        self._released.set()
        self._gone = asyncio.Event()
        self._gone.set()

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        return self._process.get_pid() if self._process else None

    @property
    def settled(self) -> bool:
        """Nothing is under way: it serves, or it is held down and known to be."""
        return self.ready == self._listening == self._released.is_set()

    def kill(self) -> None:
        """End the process without a warning (SIGKILL) and hold it down until `revive`."""
        self._released.clear()
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def gone(self) -> None:
        """Return once there is no process."""
        await self._gone.wait()

    def revive(self) -> None:
        """Let a killed Pod start again, at once."""
        self._released.set()
        self._changed()

    async def run(self, lifeline: int) -> None:
        """Start the process, and again whenever it ends; `lifeline` becomes its standard input."""
        try:
            while True:
                await self._released.wait()
                await self._live(lifeline)
                if self._released.is_set():
                    await asyncio.sleep(self._pace.restart_after.total_seconds())
        finally:
            self._cancel_doubt()

    async def _live(self, lifeline: int) -> None:
        """One life, from the start of the process to its end."""
        self._gone.clear()
        try:
            transport, life = await self._started(lifeline)
            self._process = transport
            if not self._released.is_set():  # killed while it was being started
                self.kill()
            try:
                await asyncio.shield(life.ended)
            finally:
                await _end(transport, life)
        finally:
            self._process = None
            self._gone.set()
            self._died()

    async def _started(self, lifeline: int) -> tuple[asyncio.SubprocessTransport, "_Life"]:
        """Start the process, or end it again where this is cancelled meanwhile.

        Asyncio's own start, cancelled half way, may leave the process running and its pipe open.
        """
        starting = asyncio.create_task(
            asyncio.get_running_loop().subprocess_exec(
                lambda: _Life(self._hear),
                *self._command(),
                stdin=lifeline,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends its Pods
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(asyncio.CancelledError):  # what is raised says it already
                await ended(starting)
            transport, life = starting.result()
            await _end(transport, life)
            raise

    def _hear(self, line: str) -> None:
        """Take in what the process says: that it listens, or why it cannot."""
        if line.startswith("listening on "):
            self._serves()
        else:
            log.warning("%s: %s", self.name, line)

    def _command(self) -> list[str]:
        """By file and isolated: nothing but the module is read, which halves the start."""
        ports = [f"--port={port}" for port in self.place.ports]
        return [
            *self._enter,
            *(sys.executable, "-I", "-S", backend.__file__, "--until-eof"),
            *(f"--address={self.place.address}", *ports, f"--env={self.template.env('ENV_NAME')}"),
            *(f"--pod={self.name}", f"--member={self.owner.member}"),
        ]

    def _serves(self) -> None:
        self._cancel_doubt()
        self._listening = self.ready = True
        self._changed()

    def _died(self) -> None:
        self._listening = False
        if self.ready:
            delay = self._pace.unready_after.total_seconds()
            self._doubt = asyncio.get_running_loop().call_later(delay, self._fail_probe)
        self._changed()

    def _fail_probe(self) -> None:
        self.ready = False
        self._changed()

    def _cancel_doubt(self) -> None:
        if self._doubt:
            self._doubt.cancel()


async def _end(transport: asyncio.SubprocessTransport, life: "_Life") -> None:
    """Kill the process, which may have been stopped and has nothing to finish; see it end."""
    with contextlib.suppress(ProcessLookupError):
        transport.kill()
    with contextlib.suppress(asyncio.CancelledError):  # if so, the Pod is being ended anyhow
        await ended(life.ended)
    transport.close()


class _Life(asyncio.SubprocessProtocol):
    """Hears what a process says, line by line, and that it has ended."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hear = hear
        self._held = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: the process has ended, and all that it said has been heard."""
        if not self.ended.done():
            self.ended.set_result(None)
