"""Pods that answer like well-known applications, in all points that a gateway could break.

A Pod repeats the request in its answer, unless the application has an answer of its own.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

import grpc.aio
from aiohttp import WSMsgType, web

from tests.e2e.speaking import Answer

COOKIE: Final = "x" * 4000
"""One of the four that Keycloak sets: 16 KiB with the rest of its headers."""

FIRST_EVENT: Final = b'data: {"result":{"type":"ADDED"}}\n\n'
LAST_EVENT: Final = b'data: {"result":{"type":"DELETED"}}\n\n'

GRPC_WEB: Final = "application/grpc-web+proto"
FRAMES: Final = b"\0\0\0\0\x02hi" + b"\x80\0\0\0\x0fgrpc-status: 0\n"
"""A message, and the trailers, which are a frame of the body."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it reached a Pod: target, header fields and body, all unchanged."""

    pod: str
    method: str
    target: str
    headers: Mapping[str, str]
    size: int
    digest: str


def echo(pod: str) -> Answer:
    """Answer with the request."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        seen = Seen(
            pod=pod,
            method=request.method,
            target=request.raw_path,
            headers={name.lower(): value for name, value in request.headers.items()},
            size=len(body),
            digest=hashlib.sha256(body).hexdigest(),
        )
        return web.Response(text=json.dumps(asdict(seen)), content_type="application/json")

    return answer


def outside(request: web.BaseRequest) -> str:
    """Return the URL of the application for clients, as it derives it from forwarded headers."""
    return f"{request.headers['X-Forwarded-Proto']}://{request.host}"


@dataclass(slots=True)
class ArgoCd:
    """Answers like argocd-server. The stream of its applications goes on once `seen` is set."""

    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer like argocd-server."""
        if request.path == "/api/v1/stream/applications":
            stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await stream.prepare(request)
            await stream.write(FIRST_EVENT)
            await self.seen.wait()
            await stream.write(LAST_EVENT)
            return stream
        if request.path == "/auth/callback":
            headers = {"location": "/applications?new=false", "set-cookie": "argocd.token=x"}
            return web.Response(status=303, headers=headers)
        if request.headers.get("content-type") == GRPC_WEB:
            assert await request.content.read() == FRAMES[:7]
            return web.Response(body=FRAMES, content_type=GRPC_WEB)
        return await echo("argo-cd-server")(request)


async def watch(
    message: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]"
) -> AsyncIterator[bytes]:
    """Stream what Argo CD's command line requests, and end with an error."""
    yield message
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no session information")


class Registry:
    """A Docker registry. Each answer to an upload names the URL for the next part."""

    def __init__(self, pod: str) -> None:
        self._echo = echo(pod)
        self._uploads: dict[str, bytes] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as the distribution specification demands it."""
        target, _, query = request.raw_path.partition("?")
        body = await request.content.read()
        if target == "/v2/":
            challenge = f'Bearer realm="{outside(request)}/service/token",service="harbor-registry"'
            return web.Response(status=401, headers={"www-authenticate": challenge})
        if "/blobs/uploads/" not in target:
            return await self._echo(request)
        if request.method == "POST":
            return self._go_on(request, f"{target}9d1c", b"")
        held = self._uploads[query.partition("&")[0]] + body
        if request.method == "PATCH":
            return self._go_on(request, target, held)
        digest = f"sha256:{hashlib.sha256(held).hexdigest()}"
        asked = query.partition("&digest=")[2]
        return web.Response(
            status=201 if asked == quote(digest, safe="") else 400,
            headers={"docker-content-digest": digest},
        )

    def _go_on(self, request: web.BaseRequest, target: str, held: bytes) -> web.Response:
        state = f"_state=REZYOUR{len(held)}-%3D%3D"
        self._uploads[state] = held
        headers = {"location": f"{outside(request)}{target}?{state}", "range": f"0-{len(held)}"}
        return web.Response(status=202, headers=headers)


async def keycloak(request: web.BaseRequest) -> web.StreamResponse:
    """Redirect a client that is not logged in to the login page, with large cookies."""
    if not request.path.endswith("/openid-connect/auth"):
        return await echo("keycloak")(request)
    there = f"{outside(request)}/realms/x/login-actions/authenticate?asked={request.raw_path}"
    answer = web.Response(status=302, headers={"location": there})
    for name in ("AUTH_SESSION_ID", "KC_RESTART", "KEYCLOAK_IDENTITY", "KEYCLOAK_SESSION"):
        answer.headers.add("set-cookie", f"{name}={COOKIE}")
    return answer


def sockets(pod: str, paths: Mapping[str, str], *, same_origin: bool = True) -> Answer:
    """Accept WebSockets at these paths, with the protocol of each, from pages of the same host."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path not in paths or "upgrade" not in request.headers:
            return await echo(pod)(request)
        if same_origin and urlsplit(request.headers.get("origin", "")).netloc != request.host:
            return web.Response(status=403)
        socket = web.WebSocketResponse(protocols=[p for p in [paths[request.path]] if p])
        await socket.prepare(request)
        await socket.send_str("welcome")
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    return answer
