"""Serves connections inside the test's process, on a socket that already listens."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(listener: socket.socket, serve: Serve) -> AsyncIterator[None]:
    """Serve connections while the block runs. At its end, open connections are aborted."""
    served = set[asyncio.Task[None]]()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        served.add(task)
        await asyncio.wait({task})
        served.discard(task)
        if task.cancelled():
            writer.transport.abort()
        else:
            task.result()

    server = await asyncio.start_server(tracked, sock=listener)
    try:
        yield
    finally:
        server.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
        await server.wait_closed()
