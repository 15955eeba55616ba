"""One Pod of the demo: a process, its deaths, and what a readiness probe makes of them.

start ──listening──▶ ready ──dies──▶ (still listed) ──unready_after──▶ not ready
  ▲                                                                        │
  └──────────── restart_after, or revive() where kill() held it ───────────┘
"""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from fleetgate.demo import backend
from fleetgate.demo.workloads import PodTemplate

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
    """One replica; `run` keeps its process alive until cancelled."""

    def __init__(
        self,
        name: str,
        owner: Owner,
        template: PodTemplate,
        place: Place,
        pace: Pace,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.owner = owner
        self.template = template
        self.place = place
        self.ready = False
        self._pace = pace
        self._changed = changed
        self._process: Process | None = None
        self._listening = False
        self._doubt: asyncio.TimerHandle | None = None
        self._released = asyncio.Event()
        self._released.set()

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        return self._process.pid if self._process else None

    @property
    def settled(self) -> bool:
        """Nothing is under way: it serves, or it is held down and known to be."""
        return self.ready == self._listening == self._released.is_set()

    def kill(self) -> None:
        """End the process without a warning (SIGKILL) and hold it down until `revive`."""
        self._released.clear()
        if self._process and self._process.returncode is None:
            self._process.kill()

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
        process = await asyncio.create_subprocess_exec(
            *self._command(), stdin=lifeline, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
        self._process = process
        try:
            await self._listen_to(process)
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            raise
        finally:
            await process.wait()
            self._process = None
            self._died()

    async def _listen_to(self, process: Process) -> None:
        """Follow what the process says until it ends."""
        output = cast("asyncio.StreamReader", process.stdout)  # a pipe, as asked for
        async for line in output:
            if line.startswith(b"listening on "):
                self._serves()
            else:
                log.warning("%s: %s", self.name, line.decode(errors="replace").rstrip())

    def _command(self) -> list[str]:
        """By file and isolated: nothing but the module is read, which halves the start."""
        ports = [f"--port={port}" for port in self.place.ports]
        return [
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
