"""Pods inside the test's own process: they remember what they were asked, and fail on demand."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fleetgate.demo.http import Address
from tests.support.serving import serving

_HANDSHAKE: Final = b"\x16"
"""The first byte of a client that speaks TLS."""


class Manner(Enum):
    """The reaction of a backend to a request that it has read."""

    ANSWER = auto()
    UNAVAILABLE = auto()
    """Answer with status 503."""
    RESET = auto()
    """Reset the connection without an answer, as a process does that is killed meanwhile."""
    SILENT = auto()
    """Never answer."""
    FALTER = auto()
    """Do so with every third request; never often enough in a row to be taken out for it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Backend:
    """Answers every request with its name as the body and its member in `x-member`.

    `headers` are further ones of its answers.
    """

    def __init__(self, name: str, address: Address, member: str, manner: Manner) -> None:
        self.name = name
        self.address = address
        self.member = member
        self.manner = manner
        self.asked: list[Request] = []
        self.headers: tuple[tuple[str, str], ...] = ()
        self._counted = asyncio.Event()

    async def has_been_asked(self, path: str, times: int = 1) -> Request:
        """Return the last of so many requests for a path, once they have come."""
        while True:
            found = [request for request in self.asked if request.path == path]
            if len(found) >= times:
                return found[times - 1]
            self._counted.clear()
            await self._counted.wait()

    @property
    def methods(self) -> Mapping[str, int]:
        """Count the requests by method."""
        return Counter(request.method for request in self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        try:
            while True:
                self.asked.append(await _read(reader))
                self._counted.set()
                if self._resets():
                    writer.transport.abort()
                    return
                if self.manner is Manner.SILENT:
                    continue
                answer = self._answer()
                await self._ready()
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _ready(self) -> None:
        """Return when the last request may be answered."""

    def _resets(self) -> bool:
        if self.manner is Manner.FALTER:
            return len(self.asked) % 3 == 0
        return self.manner is Manner.RESET

    def _answer(self) -> bytes:
        down = self.manner is Manner.UNAVAILABLE
        status = "503 Service Unavailable" if down else "200 OK"
        body = self.name.encode()
        head = f"HTTP/1.1 {status}\r\nx-member: {self.member}\r\ncontent-length: {len(body)}\r\n"
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return f"{head}{more}\r\n".encode() + body


@asynccontextmanager
async def backend(
    name: str, *, member: str = "", manner: Manner = Manner.ANSWER
) -> AsyncIterator[Backend]:
    """Run a backend on a free port of 127.0.0.1 while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Backend(name, listener.getsockname(), member, manner)
        async with serving(listener, made.serve):
            yield made


@contextmanager
def refusing(count: int = 1) -> Iterator[list[Address]]:
    """Reserve addresses that refuse connections, like those of dead Pods, while the block runs."""
    with socket.socket() as held:
        held.bind(("0.0.0.0", 0))  # noqa: S104 (nobody listens there)
        port = held.getsockname()[1]
        yield [(f"127.0.0.{number}", port) for number in range(1, count + 1)]


async def _read(reader: asyncio.StreamReader) -> Request:
    """Read one request. A body has a Content-Length, because Envoy keeps that of the client.

    Raises ConnectionError for another protocol.
    """
    first = await reader.readexactly(1)
    if first == _HANDSHAKE:
        raise ConnectionError("TLS")
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.rstrip("\r\n").split("\r\n")
    method, _, rest = line.partition(" ")
    path, _, version = rest.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ConnectionError(line)
    pairs = (field.partition(":") for field in fields)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)
