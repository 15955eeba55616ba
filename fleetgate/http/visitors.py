"""Admission to the admin HTTP: bounds on connections, and protection from web pages.

The admin HTTP has no passwords. On loopback every user of the machine may ask it, but no web page
that a user looks at. Such a page could use a host name of its own that leads to loopback (DNS
rebinding), or have the browser send a request that needs no permission.
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
"""The most connections that are accepted in one round of the event loop."""

MOST_CONNECTIONS: Final = 512
"""The most open connections. A further one closes the oldest, so that idle ones keep nobody out.

With this number and BACKLOG, a connection lives for several rounds of the event loop, in which it
can ask and be answered.
"""

MOST_PATIENT: Final = 32
"""The most connections that may wait in `/sync`. These are not closed for further connections."""

MOST_READING: Final = 16
"""The most connections with a large page that is not read yet. A further one closes the oldest."""


class Visitors:
    """The connections of one admin HTTP. `on_loopback` says that it listens on loopback."""

    def __init__(self) -> None:
        self.on_loopback = True
        self._patient: set[asyncio.BaseTransport | None] = set()
        self._reading: dict[asyncio.Transport, None] = {}

    def admit(self, server: web.Server) -> Callable[[], web.RequestHandler]:
        """Return a factory that makes room for a new connection, and then its protocol."""

        def make() -> web.RequestHandler:
            self._make_room(server)
            return server()

        return make

    def _make_room(self, server: web.Server) -> None:
        excess = len(server.connections) + 1 - MOST_CONNECTIONS
        for connection in server.connections:  # the oldest comes first
            transport = connection.transport
            if excess > 0 and transport and transport not in self._patient:
                transport.abort()
                excess -= 1

    @contextmanager
    def patient(self, request: web.Request) -> Iterator[bool]:
        """Protect the connection of a request while the block runs. Yield False for too many."""
        if len(self._patient) >= MOST_PATIENT:
            yield False
            return
        transport = request.transport  # None where the client has gone
        self._patient.add(transport)
        try:
            yield True
        finally:
            self._patient.discard(transport)

    def reads(self, request: web.Request) -> None:
        """Note that a request will be answered with a large page, and close excess readers."""
        transport = request.transport
        still = [t for t in self._reading if not t.is_closing() and t.get_write_buffer_size()]
        for reader in still[: max(0, len(still) + 1 - MOST_READING)]:
            reader.abort()
        self._reading = dict.fromkeys([*still, transport] if transport else still)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other host names on loopback, and requests of other sites' web pages."""
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
    """Return whether a web page of another site has the browser send this request.

    Browsers say so in their headers. A user may follow a link of such a page to the admin HTTP.
    """
    foreign = request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site")
    follows_link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if foreign and not follows_link:
        return True
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != host
