"""A relay to a server on loopback that a test can cut and mend while it is used."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_RESET = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which closing a socket resets its connection."""


class Cable:
    """Relays connections to a URL, in a thread of its own, so that a plain call can cut them."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self._relays: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._port = 0
        self.mend()

    @property
    def url(self) -> str:
        """The URL of the server by way of the cable."""
        return self._to._replace(netloc=f"127.0.0.1:{self._port}").geturl()

    def mend(self) -> None:
        """Let connections through."""
        self._do(self._mend())

    def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        self._do(self._cut())

    def close(self) -> None:
        """Cut the cable, and end its thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _mend(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        relays = list(self._relays)
        for writers in self._relays.values():
            for writer in writers:
                end: socket.socket = writer.get_extra_info("socket")
                with suppress(OSError):  # the connection has ended by itself
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
        if relays:
            await asyncio.wait(relays)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays[task] = [writer]
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self._to.port)
            self._relays[task].append(away)
            await asyncio.gather(_pour(reader, away), _pour(there, writer))
        except OSError:
            pass  # the server does not answer
        finally:
            for end in self._relays.pop(task):
                end.transport.abort()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.transport.abort()
