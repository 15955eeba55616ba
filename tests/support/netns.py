"""Network namespaces behind a link that a test can cut: a real, silent network partition.

    test, Envoy ── 10.213.N.1 ══ veth pair ══ 10.213.N.2 ── backends (network namespace)
    10.215.N.0/24, for gateways               10.214.N.0/24, for Pods

A cut link drops all packets in both directions: no connection is refused or reset. Names and
addresses contain a number N that only one process holds at a time, so that test runs do not
collide. The next holder of a number removes what a killed process has left behind.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from fleetgate.demo import backend

T = TypeVar("T")

_NETWORK: Final = 0x40000000  # CLONE_NEWNET


def available() -> str | None:
    """The reason why network namespaces cannot be used here; None if they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    missing = [tool for tool in ("ip", "iptables") if not shutil.which(tool)]
    if missing:
        return f"no {' and no '.join(missing)} on PATH: install iproute2 and iptables"
    try:
        with namespace():
            return None
    except subprocess.CalledProcessError as error:
        return f"network namespaces cannot be made here: {' '.join(error.cmd)}: {error.stderr}"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A host behind a link. `address` is its address on the link.

    It also has all addresses that begin with `pods`, and the test's side has those that begin with
    `gateways`. None of them is a loopback address, and no other process uses them.
    """

    name: str
    address: str
    pods: str
    gateways: str

    @property
    def enter(self) -> tuple[str, ...]:
        """The prefix of a command that runs inside."""
        return ("ip", "netns", "exec", self.name)

    def drop(self, port: int) -> None:
        """Drop all packets to and from a port, those of established connections too."""
        self._run("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(port), "-j", "DROP")
        self._run("iptables", "-A", "OUTPUT", "-p", "tcp", "--sport", str(port), "-j", "DROP")

    def heal(self) -> None:
        """Let all packets through again."""
        self._run("iptables", "-F")

    @contextmanager
    def backend(self, port: int, *, env: str, member: str, pod: str = "") -> Iterator[int]:
        """Run one of the demo's backends inside, and give its pid once it listens."""
        command = [sys.executable, "-I", "-S", backend.__file__, "--until-eof"]
        place = [f"--address={self.address}", f"--port={port}"]
        identity = [f"--env={env}", f"--member={member}", f"--pod={pod}"]
        with subprocess.Popen(
            [*self.enter, *command, *place, *identity],
            stdin=subprocess.PIPE,  # if this process is killed, it closes and the backend ends
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                said = process.stdout.readline() if process.stdout else ""
                if not said.startswith("listening on "):
                    raise RuntimeError(f"the backend did not start in {self.name}: {said}")
                yield process.pid
            finally:
                process.kill()

    def hide_pods(self) -> None:
        """Drop all packets over the link to the first half of the addresses of Pods."""
        hidden = f"{self.pods}0/25"
        self._run("iptables", "-A", "INPUT", "!", "-i", "lo", "-d", hidden, "-j", "DROP")

    def listen(self, port: int, address: str = "") -> socket.socket:
        """Open a listening socket inside, for a server of this process."""
        return self.inside(lambda: socket.create_server((address or self.address, port)))

    def inside(self, make: Callable[[], T]) -> T:
        """Make something inside, such as a socket, and return it."""
        with ThreadPoolExecutor(1) as thread:  # a new one, since it cannot leave the namespace
            return thread.submit(self._enter, make).result()

    def _enter(self, make: Callable[[], T]) -> T:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", self.name).open("rb") as place:
            if libc.setns(place.fileno(), _NETWORK):
                raise OSError(ctypes.get_errno(), f"cannot enter {self.name}")
        return make()

    def _run(self, *command: str) -> None:
        _run(*self.enter, *command)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace with a link to it, and remove both at the end."""
    with _number() as number:
        name, outside, inside = f"fleetgate-{number}", f"fg{number}-out", f"fg{number}-in"
        gateway, address = f"10.213.{number}.1", f"10.213.{number}.2"
        pods, gateways = f"10.214.{number}.", f"10.215.{number}."
        _remove(name, outside)
        try:
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", outside, "type", "veth", "peer", inside, "netns", name)
            _run("ip", "address", "add", f"{gateway}/30", "dev", outside)
            _run("ip", "link", "set", outside, "up")
            _run("ip", "-netns", name, "address", "add", f"{address}/30", "dev", inside)
            for device in (inside, "lo"):
                _run("ip", "-netns", name, "link", "set", device, "up")
            _run("ip", "-netns", name, "route", "add", "local", f"{pods}0/24", "dev", "lo")
            _run("ip", "route", "add", f"{pods}0/24", "via", address)
            _run("ip", "route", "add", "local", f"{gateways}0/24", "dev", outside)
            yield Namespace(name, address, pods, gateways)
        finally:
            _remove(name, outside)


@contextmanager
def _number() -> Iterator[int]:
    """Hold a number while the block runs that no other process on this host holds."""
    for number in range(1, 255):
        with socket.socket(socket.AF_UNIX) as hold:
            try:
                hold.bind(f"\0fleetgate-netns-{number}")  # the kernel frees it with the process
            except OSError:
                continue
            yield number
            return
    raise RuntimeError("254 test networks are in use on this host")


def _remove(name: str, link: str) -> None:
    """Remove both, if they exist. The kernel removes the link of a namespace with a delay."""
    for command in (["ip", "link", "delete", link], ["ip", "netns", "delete", name]):
        with contextlib.suppress(subprocess.CalledProcessError):
            _run(*command)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
