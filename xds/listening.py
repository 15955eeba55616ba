"""One gRPC server with the credentials that it began with, and the streams that came to it.

    credentials ──▶ Listening ◀── streams       retire: the port is free, streams end one by one

gRPC offers credentials that change while it listens, and uses the old ones after it has freed them
(grpc/grpc#36693): a few dozen handshakes at once end the process. So credentials never change, and
new ones are another Listening on the same port.
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
"""Seconds after the last stream was to end, then all is cut off."""


class UnusableCredentials(ValueError):
    """gRPC takes a certificate or key for none that it can serve with."""


class Lives:
    """The streams that came to one server, each of which can be ended."""

    def __init__(self) -> None:
        self._open: set[asyncio.Timeout] = set()
        self._last: float | None = None

    @asynccontextmanager
    async def life(self) -> AsyncIterator[asyncio.Timeout]:
        """Be one of them while the block runs; TimeoutError ends it."""
        async with asyncio.timeout(None) as life:
            self._open.add(life)
            if self._last is not None:
                life.reschedule(_between_now_and(self._last))
            try:
                yield life
            finally:
                self._open.discard(life)

    def end(self, within: timedelta) -> None:
        """Have each of them end at another moment, the last one after `within`."""
        self._last = asyncio.get_running_loop().time() + within.total_seconds()
        for life in self._open:
            life.reschedule(_between_now_and(self._last))


class Listening:
    """Serves methods at an address, from `open` to `retire` or `stop`."""

    def __init__(
        self, options: Sequence[tuple[str, int]], methods: grpc.GenericRpcHandler, lives: Lives
    ) -> None:
        self._server = aio.server(options=options)
        self._server.add_generic_rpc_handlers((methods,))
        self._lives = lives

    async def open(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Listen on `host:port`; gives the port. Raises OSError where that cannot be done."""
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
        """Listen no more; streams go on, and end one by one. Returns when all have ended."""
        self._lives.end(within)
        await self._server.stop(within.total_seconds() + _AFTERWARDS)

    async def stop(self, grace: float | None) -> None:
        """Listen no more, and end all streams after `grace` seconds at the latest."""
        await self._server.stop(grace)


def _between_now_and(last: float) -> float:
    now = asyncio.get_running_loop().time()
    return random.uniform(now, max(now, last))  # noqa: S311 (no secret)


async def try_out(credentials: grpc.ServerCredentials) -> None:
    """Listen with credentials for a moment, on a free port. Raises UnusableCredentials."""
    server = aio.server()
    try:
        server.add_secure_port("127.0.0.1:0", credentials)
    except RuntimeError as error:
        raise UnusableCredentials("gRPC cannot serve with this certificate and key") from error
    await server.start()
    await server.stop(None)


async def until_free(address: str) -> None:
    """Return once nobody listens on `host:port`; gRPC would print a line for each attempt."""
    while not _is_free(address):  # noqa: ASYNC110 (nobody tells of it)
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
