"""Runs fleetgate as a process that a test can kill, with its output in a file."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fleetgate.http.client import ask

PATIENCE: Final = 60.0
"""Seconds that a test waits for an expected event before it fails."""

COMMAND: Final = (sys.executable, "-m", "fleetgate")


@dataclass(frozen=True, slots=True)
class Fleetgate:
    """A process that runs a command of fleetgate."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def admin_port(self) -> int:
        """The port of its admin HTTP."""
        return int(self._said(r"admin on 127\.0\.0\.1:(\d+)"))

    @property
    def xds_port(self) -> int:
        """The port of its xDS server."""
        return int(self._said(r"xDS on 127\.0\.0\.1:(\d+)"))

    def status(self) -> Any:  # noqa: ANN401 (JSON)
        """The JSON from which `fleetgate status` prints."""
        return ask(self.admin_port, "/status")

    def sync(self, limit: float = 30.0) -> None:
        """Return when every Envoy has acknowledged all that is declared. Raises TimeoutError."""
        path = f"/sync?timeout={limit:g}"
        answer = ask(self.admin_port, path, post=True, timeout=limit + 10)
        if not answer["synced"]:
            raise TimeoutError(f"not in sync after {limit:g} s: {answer['missing']}")

    def kill(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End the process by SIGTERM, as Kubernetes does, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def until(self, true: Callable[[], bool]) -> None:
        """Return when the condition holds. Fails if the process ends before."""
        until(true, lambda: self.process.poll() is None, lambda: self.text)

    @property
    def text(self) -> str:
        """The output so far."""
        return self.log.read_text(encoding="utf-8")

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        assert found, self.text
        return found[1]


@contextmanager
def fleetgate(
    log: Path, *arguments: str | Path, command: tuple[str, ...] = COMMAND
) -> Iterator[Fleetgate]:
    """Run a command while the block runs, which begins once its admin HTTP is open."""
    with starting(log, *arguments, command=command) as running:
        running.until(lambda: "admin on 127.0.0.1:" in running.text)
        yield running


@contextmanager
def starting(
    log: Path, *arguments: str | Path, command: tuple[str, ...] = COMMAND
) -> Iterator[Fleetgate]:
    """Run a command while the block runs, which begins at once."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_ending_with_us(), *command, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    running = Fleetgate(process, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            try:
                running.stop()
            finally:
                running.kill()


def _ending_with_us() -> tuple[str, ...]:
    """The command that lets the kernel end the process with the tests, if there is setpriv."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM") if setpriv else ()


def until(
    true: Callable[[], bool],
    alive: Callable[[], bool] = lambda: True,
    why: Callable[[], str] = lambda: "",
) -> None:
    """Return when the condition holds. It polls, since other processes give no events."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert alive(), f"it has ended: {why()}"
        assert time.monotonic() < end, f"not so in time: {why()}"
        time.sleep(0.05)  # so that the other processes can run
