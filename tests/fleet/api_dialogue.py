"""An API server on loopback whose answers a test gives one by one, over real HTTP.

listed = await api.asked()              # GET /api/v1/services?limit=500
listed.answer(200, services("cart", position="7"))
watch = await api.asked()               # GET ...&watch=1&resourceVersion=7
watch.say(added("shop", position="8"))
watch.end()
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from fleet.kubernetes.connection import ApiServer

PATIENCE = 20.0
"""Seconds that a test waits for an expected event before it fails."""


@dataclass
class PendingRequest:
    """One request that waits for its answer."""

    path: str
    query: Mapping[str, str]
    authorization: str
    _said: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    _answer: "asyncio.Future[tuple[int, dict[str, str], bytes | None]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "1"

    def answer(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Give a whole answer."""
        self._answer.set_result((status, dict(headers or {}), json.dumps(body).encode()))

    def say(self, *lines: object) -> None:
        """Send lines of a stream, and begin it if needed. Values become JSON; bytes stay."""
        self.open()
        for line in lines:
            raw = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            self._said.put_nowait(raw)

    def open(self) -> None:
        """Begin the answer to a watch."""
        if not self._answer.done():
            self._answer.set_result((200, {}, None))

    def end(self) -> None:
        """End the stream in the regular way, as a server does after the watch's timeout."""
        self.open()
        self._said.put_nowait(None)

    def cut(self) -> None:
        """Abort the connection in the middle of the stream."""
        self.open()
        self._said.put_nowait(b"")

    async def serve(self, request: web.Request) -> web.StreamResponse:
        status, headers, body = await self._answer
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
            return web.Response(status=status, body=body, headers=headers)
        response = web.StreamResponse()
        with suppress(ConnectionError):  # the client has closed the connection
            await self._stream(request, response)
        return response

    async def _stream(self, request: web.Request, response: web.StreamResponse) -> None:
        await response.prepare(request)
        while (said := await self._said.get()) is not None:
            if not said:
                assert request.transport is not None
                request.transport.abort()
                break
            await response.write(said)


class Dialogue:
    """The API server: it hands a client's requests to the test, in their order."""

    def __init__(self) -> None:
        self.url = ""
        self._asked: asyncio.Queue[PendingRequest] = asyncio.Queue()
        self._all: list[PendingRequest] = []

    async def asked(self) -> PendingRequest:
        """The next request. Fails if none comes within PATIENCE."""
        async with asyncio.timeout(PATIENCE):
            return await self.next()

    async def next(self) -> PendingRequest:
        """The next request, however long it takes."""
        return await self._asked.get()

    async def client(self, token: str = "token") -> ApiServer:  # noqa: S107 (of a test)
        """Make a client of this server, which the test closes."""
        return await ApiServer.from_kubeconfig(self.kubeconfig(token))

    def kubeconfig(self, token: str = "token") -> dict[str, Any]:  # noqa: S107 (of a test)
        """A kubeconfig for this server."""
        return {
            "clusters": [{"name": "x", "cluster": {"server": self.url}}],
            "users": [{"name": "x", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "current-context": "x",
        }

    def close(self) -> None:
        """End all requests that have no answer yet."""
        for asked in self._all:
            asked.end()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        asked = PendingRequest(request.path, dict(request.query), authorization)
        self._all.append(asked)
        self._asked.put_nowait(asked)
        return await asked.serve(request)


@asynccontextmanager
async def dialogue() -> AsyncIterator[Dialogue]:
    """Run the API server while the block runs."""
    api = Dialogue()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.serve)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    api.url = f"http://{host}:{port}"
    try:
        yield api
    finally:
        api.close()
        await runner.cleanup()


def listing(*items: Mapping[str, Any], position: str, more: str = "") -> dict[str, Any]:
    """The body of a list, or of one page; `more` is the token of the next page."""
    metadata = {"resourceVersion": position} | ({"continue": more} if more else {})
    return {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": list(items)}


def event(kind: str, value: Mapping[str, Any], position: str) -> dict[str, Any]:
    """A line of a watch."""
    metadata = {**value.get("metadata", {}), "resourceVersion": position}
    return {"type": kind, "object": {**value, "metadata": metadata}}


def failure(code: int, message: str = "") -> dict[str, Any]:
    """The body of an API server's error."""
    return {"kind": "Status", "status": "Failure", "code": code, "message": message}
