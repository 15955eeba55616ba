"""fleetgate as a process of its own, which can be killed; what it says is in a file."""

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
"""Seconds that anything may take that has to come."""

COMMAND: Final = (sys.executable, "-m", "fleetgate")


@dataclass(frozen=True, slots=True)
class Fleetgate:
    """A process that serves."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def admin_port(self) -> int:
        """Where its admin HTTP is."""
        return int(self._said(r"admin on 127\.0\.0\.1:(\d+)"))

    @property
    def xds_port(self) -> int:
        """Where Envoys join it."""
        return int(self._said(r"xDS on 127\.0\.0\.1:(\d+)"))

    def status(self) -> Any:  # noqa: ANN401 (JSON)
        """What `fleetgate status` prints."""
        return ask(self.admin_port, "/status")

    def sync(self, limit: float = 30.0) -> None:
        """Return when all that is declared now is acknowledged by every Envoy; or TimeoutError."""
        path = f"/sync?timeout={limit:g}"
        answer = ask(self.admin_port, path, post=True, timeout=limit + 10)
        if not answer["synced"]:
            raise TimeoutError(f"not in sync after {limit:g} s: {answer['missing']}")

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as Kubernetes and Ctrl-C do; gives its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def until(self, true: Callable[[], bool]) -> None:
        """Return when it is so, while the process runs."""
        until(true, lambda: self.process.poll() is None, lambda: self.text)

    @property
    def text(self) -> str:
        """All that it has said."""
        return self.log.read_text(encoding="utf-8")

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        assert found, self.text
        return found[1]


@contextmanager
def fleetgate(
    log: Path, *arguments: str | Path, command: tuple[str, ...] = COMMAND
) -> Iterator[Fleetgate]:
    """Run a command that stays, while the block runs; entered once it has opened its admin HTTP."""
    with starting(log, *arguments, command=command) as running:
        running.until(lambda: "admin on 127.0.0.1:" in running.text)
        yield running


@contextmanager
def starting(
    log: Path, *arguments: str | Path, command: tuple[str, ...] = COMMAND
) -> Iterator[Fleetgate]:
    """Run a command that stays, while the block runs; entered at once."""
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
    """Let the kernel end it with the tests, where setpriv (util-linux) is there."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM") if setpriv else ()


def until(
    true: Callable[[], bool],
    alive: Callable[[], bool] = lambda: True,
    why: Callable[[], str] = lambda: "",
) -> None:
    """Return when it is so: for what happens in other processes, which tell nobody."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert alive(), f"it has ended: {why()}"
        assert time.monotonic() < end, f"not so in time: {why()}"
        time.sleep(0.05)  # leaves the core to those others
