"""Requests of all kinds that are under way when the network cuts their Pod off.

If the Pod has acknowledged all bytes of a request, only probes can find out that it is gone. If it
has not, the repeated bytes find it out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from fleetgate.demo.http import Address

OTHER: Final = "another Pod answers"
ERROR: Final = "503"
ENDED: Final = "the connection ends"
COMES: Final = "the rest comes"
HANGS: Final = "it hangs"

HOST, QUIET_HOST = "web.test", "quiet.test"

_SIZE, _LATER = 2_000_000, 1_000
"""Bytes of an upload, and of its rest that is sent after the Pod was cut off."""

_REST = b"the rest"
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and how it should end.

    `later` is sent after the Pod was cut off. An `unsent` request is sent as a whole after that,
    over a connection that the gateway has used before. A `quiet` request is with a Pod that is not
    cut off, and that sends nothing until all other requests have ended.
    """

    method: str
    path: str
    becomes: str
    body: bytes = b""
    later: bytes = b""
    unsent: bool = False
    quiet: bool = False

    def encode(self, name: str) -> bytes:
        """The bytes that are sent before the Pod is cut off."""
        length = _SIZE if self.path == "/upload" else len(self.body)
        host = QUIET_HOST if self.quiet else HOST
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {host}", f"x-name: {name}"]
        lines += [f"content-length: {length}"] if length else []
        if self.path == "/socket":
            lines += ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


_PART = b"x" * (_SIZE - _LATER)
EXCHANGES: Final[Mapping[str, Exchange]] = {
    "get": Exchange("GET", "/wait", OTHER),
    "put": Exchange("PUT", "/wait", OTHER, b"body"),
    "post": Exchange("POST", "/wait", ERROR, b"body"),
    "unsent-get": Exchange("GET", "/wait", OTHER, unsent=True),
    "unsent-put": Exchange("PUT", "/wait", OTHER, b"body", unsent=True),
    "unsent-post": Exchange("POST", "/wait", ERROR, b"body", unsent=True),
    "upload": Exchange("POST", "/upload", ERROR, _PART, b"x" * _LATER),
    "upload-that-pauses": Exchange("PUT", "/upload", ERROR, _PART),
    "long-poll": Exchange("GET", "/poll", ENDED),
    "events": Exchange("GET", "/events", ENDED),
    "silent-socket": Exchange("GET", "/socket", ENDED),
    "talking-socket": Exchange("GET", "/socket", ENDED, later=b"more"),
    "quiet-events": Exchange("GET", "/events", COMES, quiet=True),
    "quiet-socket": Exchange("GET", "/socket", COMES, quiet=True),
}
_STREAMS: Final[Mapping[str, bytes]] = {
    "/poll": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
    "/events": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata:1\r\n",
    "/socket": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
    b"upgrade: websocket\r\n\r\n",
}
"""The beginning of the Pod's answer by path; it sends nothing at `/wait` and `/upload`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request has ended, and how many seconds after the cut."""

    what: str
    after: float


class Scene:
    """Exchanges with Pods, of which one is cut off when all exchanges are under way.

    `serve` is a Pod of `member`. Pods of `other` answer with status 200 and their `x-member`.
    """

    def __init__(self, names: Iterable[str], member: str, other: str, patience: float) -> None:
        self._exchanges = {name: EXCHANGES[name] for name in names}
        self._member = member
        self._other = other
        self._patience = patience
        self._under_way = {name: asyncio.Event() for name in self._exchanges}
        unsent = sum(each.unsent for each in self._exchanges.values())
        self._together = asyncio.Barrier(max(1, unsent))
        self._cut = asyncio.Event()
        self._resume = asyncio.Event()
        self._since = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection as a Pod that leaves requests unanswered or answered in part."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1]
                fields = dict(line.split(": ", 1) for line in head.rstrip().split("\r\n")[1:])
                length = int(fields.get("content-length", "0"))
                await reader.readexactly(length - _LATER if path == "/upload" else length)
                await self._answer(path, fields.get("x-name", ""), writer)
        writer.close()

    async def _answer(self, path: str, name: str, writer: asyncio.StreamWriter) -> None:
        if path == "/warm":
            await self._together.wait()  # so that each request gets its own connection
        elif path == "/slow":
            await asyncio.sleep(_PAUSE)
        elif path in _STREAMS:
            writer.write(_STREAMS[path])
            await self._resume.wait()
            writer.write(_REST if path == "/socket" else b"8\r\n" + _REST + b"\r\n")
            return
        else:
            self._under_way[name].set()
            return
        fields = f"x-member: {self._member}\r\ncontent-length: 0"
        writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode())

    async def play(
        self,
        gateway: Address,
        cut: Callable[[], Awaitable[None]],
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> Mapping[str, Outcome]:
        """Cut the Pod off once all exchanges are under way, and give the outcome of each."""
        async with asyncio.TaskGroup() as tasks:
            going = {n: tasks.create_task(self._outcome(gateway, n)) for n in self._exchanges}
            for under_way in self._under_way.values():
                await under_way.wait()
            await cut()
            self._since = time.monotonic()
            self._cut.set()
            if after is not None:
                await after()
            await asyncio.wait([t for n, t in going.items() if not self._exchanges[n].quiet])
            self._resume.set()
        return {name: task.result() for name, task in going.items()}

    async def _outcome(self, gateway: Address, name: str) -> Outcome:
        """Go through one exchange until it ends or `patience` is over."""
        reader, writer = await asyncio.open_connection(*gateway)
        try:
            what = await self._go_through(name, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            what = ENDED
        except TimeoutError:
            what = HANGS
        finally:
            writer.transport.abort()
        return Outcome(what, time.monotonic() - self._since)

    async def _go_through(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        exchange = self._exchanges[name]
        first = Exchange("GET", "/warm", "") if exchange.unsent else exchange
        writer.write(first.encode(name))
        if exchange.unsent or exchange.path in _STREAMS:
            await reader.readuntil(b"\r\n\r\n")
            self._under_way[name].set()
        await self._cut.wait()
        writer.write(exchange.encode(name) if exchange.unsent else exchange.later)
        async with asyncio.timeout(self._patience):
            if exchange.path in _STREAMS:
                await reader.readuntil(_REST)
                return COMES
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = head.split(" ")[1]
        return OTHER if status == "200" and f"x-member: {self._other}" in head else status
