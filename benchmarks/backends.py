"""Runs Pods of a member that real Envoys reach, at addresses that an API server accepts.

An API server refuses loopback addresses in EndpointSlices, so the Pods run in a network namespace.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from fleetgate.demo import backend
from fleetgate.demo.http import Address
from tests.support.netns import Namespace


@dataclass(frozen=True, slots=True)
class Pods:
    """The running Pods of one member. All listen on the same port, each at its own address."""

    member: str
    port: int
    addresses: tuple[str, ...]
    processes: tuple["subprocess.Popen[str]", ...]

    @property
    def places(self) -> list[Address]:
        """The addresses at which the Pods listen."""
        return [(address, self.port) for address in self.addresses]

    def kill(self) -> None:
        """Kill all Pods at once."""
        for process in self.processes:
            process.kill()


@contextmanager
def pods(host: Namespace, member: str, *, port: int, first: int, count: int = 2) -> Iterator[Pods]:
    """Run Pods while the block runs. `first` is the last number of the first Pod's address."""
    addresses = tuple(f"{host.pods}{first + n}" for n in range(count))
    with ExitStack() as stack:
        processes = [stack.enter_context(_pod(host, member, at, port)) for at in addresses]
        yield Pods(member, port, addresses, tuple(processes))


@contextmanager
def _pod(
    host: Namespace, member: str, address: str, port: int
) -> Iterator["subprocess.Popen[str]"]:
    command = (*host.enter, sys.executable, "-I", "-S", backend.__file__, "--until-eof")
    place = (f"--address={address}", f"--port={port}")
    identity = (f"--env={member}", f"--member={member}", f"--pod={member}-{address}")
    with subprocess.Popen(
        [*command, *place, *identity],
        stdin=subprocess.PIPE,  # if this process is killed, it closes and the backend ends
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            if not said.startswith("listening on "):
                raise RuntimeError(f"a backend did not start at {address}:{port}: {said}")
            yield process
        finally:
            process.kill()
