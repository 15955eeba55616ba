"""Serves connections inside the test's process, on a socket that already listens."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeAlias

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(
    listener: socket.socket, serve: Serve, tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve connections while the block runs. At its end, open connections are aborted."""
    served = set[asyncio.Future[None]]()
    ended = False

    def accepted(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Coroutine[None, None, None] | None:
        if ended:  # it was accepted before, and its turn comes only now
            writer.transport.abort()
            return None
        task = asyncio.ensure_future(serve(reader, writer))
        served.add(task)
        return tracked(task, writer)

    async def tracked(task: asyncio.Future[None], writer: asyncio.StreamWriter) -> None:
        await asyncio.wait({task})
        served.discard(task)
        if task.cancelled():
            writer.transport.abort()
        else:
            task.result()

    server = await asyncio.start_server(accepted, sock=listener, ssl=tls)
    try:
        yield
    finally:
        ended = True
        # asyncio fails to attach a connection that it has just accepted to a closed server.
        asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(0)
        server.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
        await server.wait_closed()
