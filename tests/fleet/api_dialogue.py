"""An API server that a test plays by hand: real HTTP on loopback, each answer said by the test.

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
"""Seconds after which something that should happen has not."""


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
        """Answer whole."""
        self._answer.set_result((status, dict(headers or {}), json.dumps(body).encode()))

    def say(self, *lines: object) -> None:
        """Open the stream if need be, and send lines: values as JSON, bytes as they are."""
        self.open()
        for line in lines:
            raw = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            self._said.put_nowait(raw)

    def open(self) -> None:
        """Begin a stream."""
        if not self._answer.done():
            self._answer.set_result((200, {}, None))

    def end(self) -> None:
        """End the stream as a server does whose time is up."""
        self.open()
        self._said.put_nowait(None)

    def cut(self) -> None:
        """End the connection in the middle."""
        self.open()
        self._said.put_nowait(b"")

    async def serve(self, request: web.Request) -> web.StreamResponse:
        status, headers, body = await self._answer
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
            return web.Response(status=status, body=body, headers=headers)
        response = web.StreamResponse()
        with suppress(ConnectionError):  # the client has left
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
    """The requests of a client, in order."""

    def __init__(self) -> None:
        self.url = ""
        self._asked: asyncio.Queue[PendingRequest] = asyncio.Queue()
        self._all: list[PendingRequest] = []

    async def asked(self) -> PendingRequest:
        """The next request, which has to come."""
        async with asyncio.timeout(PATIENCE):
            return await self.next()

    async def next(self) -> PendingRequest:
        """The next request, whenever it comes."""
        return await self._asked.get()

    async def client(self, token: str = "token") -> ApiServer:  # noqa: S107 (of a test)
        """A client of this server; the test closes it."""
        return await ApiServer.from_kubeconfig(self.kubeconfig(token))

    def kubeconfig(self, token: str = "token") -> dict[str, Any]:  # noqa: S107 (of a test)
        """How this server is reached."""
        return {
            "clusters": [{"name": "x", "cluster": {"server": self.url}}],
            "users": [{"name": "x", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "current-context": "x",
        }

    def close(self) -> None:
        """Leave no request without an answer."""
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
    """An API server while the block runs."""
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
    """A list, or a page of one; `more` is the token of the next page."""
    metadata = {"resourceVersion": position} | ({"continue": more} if more else {})
    return {"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": list(items)}


def event(kind: str, value: Mapping[str, Any], position: str) -> dict[str, Any]:
    """A line of a watch."""
    metadata = {**value.get("metadata", {}), "resourceVersion": position}
    return {"type": kind, "object": {**value, "metadata": metadata}}


def failure(code: int, message: str = "") -> dict[str, Any]:
    """What an API server says of a refusal."""
    return {"kind": "Status", "status": "Failure", "code": code, "message": message}
