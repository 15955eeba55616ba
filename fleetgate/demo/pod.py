"""One Pod of the demo: its process, and the readiness that a probe would report.

start ──listening──▶ ready ──dies──▶ (still listed) ──unready_after──▶ not ready
  ▲                                                                        │
  └──────────── after restart_after, or at revive() after a kill() ────────┘
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
    """The times of a kubelet.

    A dead Pod stays in the endpoints for `unready_after`, as long as a readiness probe takes to
    fail. Until then the gateway has to find out by itself. A dead Pod starts again after
    `restart_after`.
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
    """The address and the ports on which a Pod listens."""

    address: str
    ports: tuple[int, ...]


class Pod:
    """One replica of a Deployment. `run` keeps its process alive until cancelled.

    `changed` is called at each change of its state. `enter` is `Network.enter`.
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
        """The process ID, None while no process runs."""
        return self._process.get_pid() if self._process else None

    @property
    def settled(self) -> bool:
        """Whether the Pod serves and is ready, or is kept down and is not ready."""
        return self.ready == self._listening == self._released.is_set()

    def kill(self) -> None:
        """Kill the process with SIGKILL, and keep it down until `revive`."""
        self._released.clear()
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def gone(self) -> None:
        """Return once no process runs."""
        await self._gone.wait()

    def revive(self) -> None:
        """Let a killed Pod start again at once."""
        self._released.set()
        self._changed()

    async def run(self, lifeline: int) -> None:
        """Start the process, and start it again whenever it ends.

        `lifeline` becomes its standard input, at whose end it ends.
        """
        try:
            while True:
                await self._released.wait()
                await self._live(lifeline)
                if self._released.is_set():
                    await asyncio.sleep(self._pace.restart_after.total_seconds())
        finally:
            self._cancel_doubt()

    async def _live(self, lifeline: int) -> None:
        """Start the process, and wait for its end."""
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
        """Start the process. A cancellation during the start ends it again.

        A cancelled start of asyncio's own may leave the process running, and its pipe open.
        """
        starting = asyncio.create_task(
            asyncio.get_running_loop().subprocess_exec(
                lambda: _Life(self._hear),
                *self._command(),
                stdin=lifeline,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo only, which then ends its Pods
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(asyncio.CancelledError):  # the first one is raised below
                await ended(starting)
            transport, life = starting.result()
            await _end(transport, life)
            raise

    def _hear(self, line: str) -> None:
        """Take in a line of the process: it listens, or cannot listen for some reason."""
        if line.startswith("listening on "):
            self._serves()
        else:
            log.warning("%s: %s", self.name, line)

    def _command(self) -> list[str]:
        """Return the command of the process.

        For HTTP it names the module by its file, and isolates the interpreter. So Python imports
        little, and starts in half the time. For gRPC it needs the installed packages.
        """
        ports = [f"--port={port}" for port in self.place.ports]
        by_http, by_grpc = ("-S", backend.__file__), ("-m", "fleetgate.demo.grpc_backend")
        module = by_grpc if self.template.speaks_grpc else by_http
        return [
            *self._enter,
            *(sys.executable, "-I", *module, "--until-eof"),
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
    """Kill the process, and wait for its end.

    SIGKILL ends a stopped process too, and a Pod has nothing to finish.
    """
    with contextlib.suppress(ProcessLookupError):
        transport.kill()
    with contextlib.suppress(asyncio.CancelledError):  # the Pod is being ended in any case
        await ended(life.ended)
    transport.close()


class _Life(asyncio.SubprocessProtocol):
    """Reads the lines of a process, and notes its end."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hear = hear
        self._held = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the process. Asyncio calls this after its last line."""
        if not self.ended.done():
            self.ended.set_result(None)
