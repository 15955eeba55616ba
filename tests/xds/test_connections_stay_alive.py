"""Connections are closed if the peer is gone without a word, and only then."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest

from tests.xds.rigs import PATIENCE
from xds.cache import SnapshotCache
from xds.server import ServerSettings, XdsServer

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, PING, GOAWAY = 4, 6, 7
ACK: Final = 1
LONG = timedelta(hours=1)
SHORT = timedelta(milliseconds=50)


def frame(kind: int, flags: int = 0, payload: bytes = b"") -> bytes:
    """A frame of stream 0, the connection itself (RFC 9113, 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, 0) + payload


class Connection:
    """An HTTP/2 connection without a library, so that nothing answers but the test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, *frames: bytes) -> None:
        self._writer.write(b"".join(frames))

    async def frames(self) -> AsyncIterator[tuple[int, int, bytes]]:
        """Kind, flags and payload of each frame, until the server closes."""
        try:
            while True:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3]))
                yield head[3], head[4], payload
        except (asyncio.IncompleteReadError, ConnectionError):
            return


@asynccontextmanager
async def connected(settings: ServerSettings) -> AsyncIterator[Connection]:
    server = XdsServer(SnapshotCache(), settings)
    port = await server.start("127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = Connection(reader, writer)
    connection.send(PREFACE, frame(SETTINGS))
    try:
        async with asyncio.timeout(PATIENCE):
            yield connection
    finally:
        writer.close()
        await server.stop(0)


def test_a_client_that_answers_no_ping_is_closed() -> None:
    """The connection has no stream: one that was left without a word is closed all the same."""

    async def story() -> None:
        async with connected(ServerSettings(server_ping=SHORT, server_ping_timeout=SHORT)) as peer:
            kinds = [kind async for kind, _, _ in peer.frames()]
            assert PING in kinds

    asyncio.run(story())


def test_a_client_that_answers_is_pinged_on_and_on() -> None:
    async def story() -> None:
        # The timeout is long, because an answer may come late on a busy machine.
        async with connected(ServerSettings(server_ping=SHORT, server_ping_timeout=LONG)) as peer:
            pings = 0
            async for kind, flags, payload in peer.frames():
                if kind == PING and not flags & ACK:
                    pings += 1
                    peer.send(frame(PING, ACK, payload))
                if pings == 3:
                    return
            raise AssertionError(f"closed after {pings} pings")

    asyncio.run(story())


def test_a_client_may_ping_often() -> None:
    """By default gRPC takes three pings for an attack, and closes the connection."""

    async def story() -> None:
        async with connected(ServerSettings(server_ping=LONG)) as peer:
            numbers: Iterator[bytes] = iter(bytes(7) + bytes([n]) for n in range(20))
            peer.send(frame(PING, payload=next(numbers)))
            async for kind, flags, _ in peer.frames():
                assert kind != GOAWAY
                if kind == PING and flags & ACK:
                    following = next(numbers, None)
                    if following is None:
                        return
                    peer.send(frame(PING, payload=following))
            raise AssertionError("closed")

    asyncio.run(story())


@pytest.mark.parametrize("wait", ["write_timeout", "server_ping", "server_ping_timeout"])
def test_each_wait_is_half_a_minute_at_most(wait: str) -> None:
    assert timedelta() < getattr(ServerSettings(), wait) <= timedelta(seconds=30)
