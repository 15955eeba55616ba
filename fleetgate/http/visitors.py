"""Who may ask the admin HTTP: how many at once, by which name, and which web pages.

It has no passwords. On loopback it is for who is on this machine, and a web page that somebody
looks at there is not: it could ask by a name of its own that leads to loopback (DNS rebinding), or
have the browser send what needs no permission.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

from xds.quoted import cut

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

BACKLOG: Final = 64
MOST_CONNECTIONS: Final = 512
"""Connections that are taken in one round of the event loop, and those that are open: with one more
the oldest one is closed, so that nobody keeps others out by connections that say nothing. It had
several rounds to ask and be answered.
"""

MOST_PATIENT: Final = 32
"""Of these, those that may wait for something, and are not closed for others."""

MOST_READING: Final = 16
"""Of these, those that have not read all of a large page: with one more the oldest is closed."""


class Visitors:
    """The connections of one admin HTTP, and what may come by them."""

    def __init__(self) -> None:
        self.on_loopback = True
        self._patient: set[asyncio.BaseTransport | None] = set()
        self._reading: dict[asyncio.Transport, None] = {}

    def admit(self, server: web.Server) -> Callable[[], web.RequestHandler]:
        """What makes the protocol of each new connection to a server, and room for it."""

        def make() -> web.RequestHandler:
            self._make_room(server)
            return server()

        return make

    def _make_room(self, server: web.Server) -> None:
        excess = len(server.connections) + 1 - MOST_CONNECTIONS
        for each in server.connections:  # in the order in which they came
            if excess > 0 and each.transport and each.transport not in self._patient:
                each.transport.abort()
                excess -= 1

    @contextmanager
    def patient(self, request: web.Request) -> Iterator[bool]:
        """Let a request wait while the block runs; False where too many do."""
        if len(self._patient) >= MOST_PATIENT:
            yield False
            return
        transport = request.transport  # of one that has gone the request has none
        self._patient.add(transport)
        try:
            yield True
        finally:
            self._patient.discard(transport)

    def reads(self, request: web.Request) -> None:
        """A request is going to be answered by a large page."""
        transport = request.transport
        still = [t for t in self._reading if not t.is_closing() and t.get_write_buffer_size()]
        for each in still[: max(0, len(still) + 1 - MOST_READING)]:
            each.abort()
        self._reading = dict.fromkeys([*still, transport] if transport else still)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse foreign names on loopback, and what a foreign web page has the browser send."""
        host = request.headers.get("Host", "")
        if self.on_loopback and host and not _is_loopback(host):
            raise web.HTTPMisdirectedRequest(
                text="fleetgate's admin HTTP is asked as 127.0.0.1, [::1] or localhost here, "
                f"not as {cut(host)!r}\n"
            )
        if _is_by_foreign_page(request, host):
            raise web.HTTPForbidden(text="web pages of others may not ask fleetgate\n")
        return await handler(request)


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_by_foreign_page(request: web.Request, host: str) -> bool:
    """As browsers tell; whoever follows a link to a page here may see it."""
    foreign = request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site")
    follows_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if foreign and not follows_link:
        return True
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != host
