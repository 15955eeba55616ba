"""One gRPC server that keeps its first credentials, and the streams that came to it.

    credentials ──▶ Listening ◀── streams       retire: the port is free, streams end one by one

gRPC can change credentials while it listens, but uses the old ones after it has freed them
(grpc/grpc#36693): a few dozen handshakes at once end the process. So a server never changes its
credentials. New credentials take another Listening on the same port.
"""

from __future__ import annotations  # grpc's generic names exist for the type checker only

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import grpc
from grpc import aio

_AFTERWARDS: Final = 5.0
"""Seconds that a retired server stays after its last stream had to end; then it is cut off."""


class UnusableCredentials(ValueError):
    """gRPC cannot serve with a certificate and key."""


class OpenStreams:
    """The streams that came to one server, each of which can be ended by a timeout."""

    def __init__(self) -> None:
        self._timeouts: set[asyncio.Timeout] = set()
        self._last: float | None = None

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[asyncio.Timeout]:
        """Count a stream as open while the block runs. A TimeoutError ends the block."""
        async with asyncio.timeout(None) as timeout:
            self._timeouts.add(timeout)
            if self._last is not None:
                timeout.reschedule(_between_now_and(self._last))
            try:
                yield timeout
            finally:
                self._timeouts.discard(timeout)

    def end(self, within: timedelta) -> None:
        """End each stream at another moment, the last one after `within`."""
        self._last = asyncio.get_running_loop().time() + within.total_seconds()
        for timeout in self._timeouts:
            timeout.reschedule(_between_now_and(self._last))


class Listening:
    """Serves methods at an address, from `open` to `retire` or `stop`."""

    def __init__(
        self,
        options: Sequence[tuple[str, int]],
        methods: grpc.GenericRpcHandler,
        streams: OpenStreams,
    ) -> None:
        self._server = aio.server(options=options)
        self._server.add_generic_rpc_handlers((methods,))
        self._streams = streams

    async def open(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Listen on `host:port`; gives the port. Raises OSError if that cannot be done."""
        try:
            if credentials is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address} for xDS: {error}") from error
        await self._server.start()
        return port

    async def retire(self, within: timedelta) -> None:
        """Stop listening; streams go on, and end one by one. Returns when all have ended."""
        self._streams.end(within)
        await self._server.stop(within.total_seconds() + _AFTERWARDS)

    async def stop(self, grace: float | None) -> None:
        """Stop listening, and end all streams after `grace` seconds at the latest."""
        await self._server.stop(grace)


def _between_now_and(last: float) -> float:
    now = asyncio.get_running_loop().time()
    return random.uniform(now, max(now, last))  # noqa: S311 (no secret)


async def try_out(credentials: grpc.ServerCredentials) -> None:
    """Listen with credentials for a moment on a free port. Raises UnusableCredentials."""
    server = aio.server()
    try:
        server.add_secure_port("127.0.0.1:0", credentials)
    except RuntimeError as error:
        raise UnusableCredentials("gRPC cannot serve with this certificate and key") from error
    await server.start()
    await server.stop(None)


async def until_free(address: str) -> None:
    """Return when no process listens on `host:port`.

    gRPC cannot be asked instead: it prints a line for each attempt.
    """
    while not _is_free(address):  # noqa: ASYNC110 (no event tells of it)
        await asyncio.sleep(0.005)


def _is_free(address: str) -> bool:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True
