"""Commands as a user runs them: processes, with what they print and how they end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

FLEETGATE = (sys.executable, "-m", "fleetgate")
PATIENCE = 100.0
PORT_OFFSET = 10000


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str

    def says(self, sentence: str) -> None:
        """Expect exit 2 and, as all that the user reads on stderr, one line with this in it."""
        assert self.status == 2, self
        assert sentence in self.err
        assert self.err.startswith("fleetgate: ")
        assert self.err.count("\n") == 1, self.err


def fleetgate(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command to its end."""
    return run((*FLEETGATE, *arguments), env=env)


def run(command: Iterable[str | Path], *, env: Mapping[str, str] | None = None) -> Ended:
    """Run any program to its end."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


class Staying:
    """A command that stays: entered once it says that it is ready, ended by SIGTERM at the end."""

    def __init__(self, command: Iterable[str | Path], ready: str) -> None:
        self.out: list[str] = []
        self._ready, self._times = ready, 1
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @classmethod
    def up(cls, fleet: Path, address: str) -> Self:
        """`fleetgate up` on an address, ports above those for root, all others free ones."""
        places = ("--bind", address, "--port-offset", str(PORT_OFFSET))
        return cls(
            (*FLEETGATE, "up", fleet, *places, "--xds-port", "0", "--admin-port", "0"), "ready: "
        )

    @classmethod
    def serve(cls, fleet: Path) -> Self:
        """`fleetgate serve` on free ports."""
        return cls((*FLEETGATE, "serve", fleet, "--xds-port", "0", "--admin-port", "0"), "xDS on ")

    def until(self, ready: str, times: int = 1) -> Self:
        """Count it as ready as soon as it has printed so many lines that begin so."""
        self._ready, self._times = ready, times
        return self

    def __enter__(self) -> Self:
        assert self._process.stdout
        for line in self._process.stdout:
            self.out.append(line)
            self._times -= line.startswith(self._ready)
            if not self._times:
                return self
        raise AssertionError((self.out, self._process.communicate()))

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self.end(signal.SIGTERM)

    @property
    def admin_port(self) -> str:
        """The port of its admin HTTP, as it printed it."""
        found = re.search(r"admin on 127\.0\.0\.1:(\d+)", "".join(self.out))
        assert found
        return found[1]

    def ask(self, *command: str) -> Ended:
        """Run `status` or `sync` against it."""
        return fleetgate(*command, "--admin-port", self.admin_port)

    def end(self, number: signal.Signals) -> Ended:
        """Send a signal and wait for the end."""
        self._process.send_signal(number)
        out, err = self._process.communicate(timeout=PATIENCE)
        return Ended(self._process.returncode, "".join(self.out) + out, err)

    def processes(self, name: str = "") -> list[int]:
        """The pids of the processes below it, or of those with a name."""
        return [pid for pid, called in below(self._process.pid) if name in called]


def free_offset() -> str:
    """A port offset for which the ports of all gateways are free on the demo's address.

    They are below those that the system gives to clients, and test processes try others first.
    """
    first = 11000 + os.getpid() % 10000
    for offset in range(first, 24000):
        with ExitStack() as probes, suppress(OSError):
            for port in (80, 443, 8001):
                probes.enter_context(socket.socket()).bind(("127.0.0.1", offset + port))
            return str(offset)
    raise AssertionError("no free ports")


def runs(pid: int) -> bool:
    """Whether a process is there."""
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def below(parent: int) -> Iterator[tuple[int, str]]:
    """The processes below one, with their names."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end while we look
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            if int(rest.split()[1]) == parent:
                yield int(entry.name), name
                yield from below(int(entry.name))
