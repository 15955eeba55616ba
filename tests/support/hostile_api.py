"""An API server that is hostile or broken: real HTTP on loopback, in a thread of its own.

    with HostileApi(lists=endless(b"{},"), watches=quiet) as api:
        ...  # api.kubeconfig(), api.sent, api.asked

A test gives its answers to lists and to watches. An answer may have no end; it stops once the
client has closed the connection.
"""

import asyncio
import gzip
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

BLOCK = 64 * 1024
"""The bytes that are sent at a time, roughly."""

MOST = 2 * 1024 * 1024 * 1024
"""Bytes after which an answer without end stops: the client evidently has no bound."""


class Link:
    """One request, and the connection to answer it on."""

    def __init__(self, api: "HostileApi", target: str, writer: asyncio.StreamWriter) -> None:
        split = urlsplit(target)
        self.path = split.path
        self.query = dict(parse_qsl(split.query))
        self._api = api
        self._writer = writer

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "1"

    async def head(self, status: str = "200 OK", *headers: str) -> None:
        """Begin an answer whose body ends with the connection."""
        lines = (f"HTTP/1.1 {status}", "content-type: application/json", *headers)
        await self.send(("\r\n".join((*lines, "connection: close")) + "\r\n\r\n").encode())

    async def send(self, data: bytes) -> None:
        """Send, and wait until the client has taken most of it."""
        self._writer.write(data)
        await self._writer.drain()
        self._api.sent += len(data)
        if self._api.sent > MOST:
            raise ConnectionError

    async def forever(self) -> None:
        """Send nothing until the server closes."""
        await self._api.closed.wait()


Answer: TypeAlias = Callable[[Link], Awaitable[None]]


class HostileApi:
    """Answers watches by `watches` and all other requests by `lists`.

    `sent` is the number of bytes that clients have read, roughly. `asked` lists the targets of all
    requests.
    """

    def __init__(self, lists: Answer, watches: Answer) -> None:
        self.sent = 0
        self.asked: list[str] = []
        self._lists = lists
        self._watches = watches
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server, self.closed = self._do(self._open())
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def __enter__(self) -> "HostileApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def kubeconfig(self) -> dict[str, Any]:
        """A kubeconfig for this server."""
        return {
            "clusters": [{"name": "x", "cluster": {"server": self.url}}],
            "users": [{"name": "x", "user": {"token": "hostile-token"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "current-context": "x",
        }

    def _do(self, work: Any) -> Any:  # noqa: ANN401 (the result of any coroutine)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _open(self) -> tuple[asyncio.Server, asyncio.Event]:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0), asyncio.Event()

    async def _close(self) -> None:
        self.closed.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            asked = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
            self.asked.append(asked)
            link = Link(self, asked, writer)
            await (self._watches if link.is_watch else self._lists)(link)
        writer.transport.abort()
        self._tasks.discard(task)


def page(*items: object, following: str = "") -> bytes:
    """A page of a list."""
    metadata = {"resourceVersion": "7"} | ({"continue": following} if following else {})
    return json.dumps({"kind": "List", "metadata": metadata, "items": items}).encode()


# -- answers to lists -----------------------------------------------------------------------------


async def nothing(link: Link) -> None:
    """Answer with an empty list."""
    await link.head()
    await link.send(page())


async def silence(link: Link) -> None:
    """Send no byte."""
    await link.forever()


async def endless_pages(link: Link) -> None:
    """Answer with an empty page that has a next one."""
    await link.head()
    await link.send(page(following="more"))


def endless(piece: bytes, *headers: str, before: bytes = b"", status: str = "200 OK") -> Answer:
    """Answer with a body without end: `before`, then `piece` again and again."""

    async def answer(link: Link) -> None:
        await link.head(status, *headers)
        await link.send(before)
        block = piece * max(1, BLOCK // len(piece))
        while True:
            await link.send(block)

    return answer


def endless_items(piece: bytes) -> Answer:
    """Answer with a page whose items have no end."""
    return endless(piece, before=b'{"metadata":{"resourceVersion":"7"},"items":[')


def raw(beginning: bytes, piece: bytes) -> Answer:
    """Send these bytes, without a head, and then a piece again and again."""

    async def answer(link: Link) -> None:
        await link.send(beginning)
        while True:
            await link.send(piece * (BLOCK // len(piece)))

    return answer


def packed(size: int) -> Answer:
    """Answer with `size` blanks, compressed to a thousandth of their size."""

    async def answer(link: Link) -> None:
        await link.head("200 OK", "content-encoding: gzip")
        for block in _packed(size):
            await link.send(block)

    return answer


def _packed(size: int) -> Iterator[bytes]:
    million = gzip.compress(b" " * 1_000_000)
    for _ in range(size // 1_000_000):
        yield million


def whole(body: bytes, status: str = "200 OK", *headers: str) -> Answer:
    """Answer with this body."""

    async def answer(link: Link) -> None:
        await link.head(status, *headers)
        await link.send(body)

    return answer


def trickle(piece: bytes, pause: float, before: bytes = b"") -> Answer:
    """Answer with a body that gets one more piece after each pause of some seconds."""

    async def answer(link: Link) -> None:
        await link.head()
        await link.send(before)
        while True:
            await link.send(piece)
            await asyncio.sleep(pause)

    return answer


# -- answers to watches ---------------------------------------------------------------------------


async def quiet(link: Link) -> None:
    """Open a watch, and send nothing."""
    await link.head()
    await link.forever()
