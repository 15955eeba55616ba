"""Pods that follow a script on the wire, and count how often a request has reached them.

A script has steps and an end. A step reads a part of the request, and then sends bytes.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto

from fleetgate.demo.http import Address

_ENOUGH = 64 * 1024


class Until(Enum):
    """The part of the request that is read before a step sends."""

    NOTHING = auto()
    FIRST_BYTE = auto()
    HEAD = auto()
    BODY_BEGUN = auto()
    END = auto()
    CLOSED = auto()
    """Whatever comes, until the gateway closes the connection."""


class End(Enum):
    """The treatment of the connection after the last step."""

    STAY = auto()
    """It waits for the next request."""
    CLOSE = auto()
    """It is closed in order (FIN)."""
    RESET = auto()
    """It is reset (RST)."""


@dataclass(frozen=True, slots=True)
class Step:
    """Read the request up to a point, then send bytes."""

    until: Until
    send: bytes = b""


@dataclass(frozen=True, slots=True)
class Script:
    """The behaviour of a Pod towards each request."""

    steps: tuple[Step, ...]
    end: End = End.STAY


class ScriptedPods:
    """The Pods of one Service. `reached` counts the requests of which a byte has arrived."""

    def __init__(self, script: Script, addresses: tuple[Address, ...]) -> None:
        self.script = script
        self.addresses = addresses
        self.reached = 0
        self._counted = asyncio.Event()

    async def has_reached(self, times: int) -> None:
        """Return once so many requests have arrived."""
        while self.reached < times:
            self._counted.clear()
            await self._counted.wait()

    async def serve(self, link: socket.socket) -> None:
        """Follow the script for each request of a connection."""
        try:
            while await self._follow(_Incoming(link, self._count)):
                pass
        except OSError:
            pass
        finally:
            link.close()

    def _count(self) -> None:
        self.reached += 1
        self._counted.set()

    async def _follow(self, incoming: "_Incoming") -> bool:
        """Follow the script once, and return whether the connection stays open."""
        link = incoming.link
        for step in self.script.steps:
            if not await incoming.take(step.until):
                return False
            await asyncio.get_running_loop().sock_sendall(link, step.send)
        if self.script.end is End.RESET:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return self.script.end is End.STAY


class _Incoming:
    """One request that is being read. It calls `on_first_byte` at its first byte."""

    def __init__(self, link: socket.socket, on_first_byte: Callable[[], None]) -> None:
        self.link = link
        self._on_first_byte = on_first_byte
        self._held = b""

    async def take(self, until: Until) -> bool:
        """Read the request up to a point; False if the connection ends before."""
        if until is Until.NOTHING:
            with suppress(BlockingIOError):
                self._hold(self.link.recv(_ENOUGH))
            return True
        size = 1 if until is Until.FIRST_BYTE else _ENOUGH
        while not self._has(until):
            data = await asyncio.get_running_loop().sock_recv(self.link, size)
            if not data:
                return until is Until.CLOSED
            self._hold(data)
        return True

    def _hold(self, data: bytes) -> None:
        if data and not self._held:
            self._on_first_byte()
        self._held += data

    def _has(self, until: Until) -> bool:
        if until is Until.FIRST_BYTE:
            return bool(self._held)
        head, found, body = self._held.partition(b"\r\n\r\n")
        fields = head.lower()
        if b"transfer-encoding: chunked" in fields:
            is_whole, has_body = body.endswith(b"0\r\n\r\n"), True
        else:
            length = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            is_whole, has_body = len(body) >= length, length > 0
        match until:
            case Until.END:
                return bool(found) and is_whole
            case Until.BODY_BEGUN:
                return bool(found) and (bool(body) or not has_body)
            case Until.CLOSED:
                return False
            case _:
                return bool(found)


@asynccontextmanager
async def scripted_pods(script: Script, pods: int = 2) -> AsyncIterator[ScriptedPods]:
    """Run Pods on free ports of 127.0.0.1 while the block runs."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(pods)]
    made = ScriptedPods(script, tuple(listener.getsockname() for listener in listeners))
    serving = set[asyncio.Task[None]]()
    try:
        for listener in listeners:
            # The kernel's buffers are small, so that a large request is still being sent.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.setblocking(False)
            serving.add(asyncio.create_task(_accept(listener, made, serving)))
        yield made
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        for listener in listeners:
            listener.close()


async def _accept(
    listener: socket.socket, pods: ScriptedPods, serving: set[asyncio.Task[None]]
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        link, _ = await loop.sock_accept(listener)
        task = asyncio.create_task(pods.serve(link))
        serving.add(task)
        task.add_done_callback(serving.discard)
