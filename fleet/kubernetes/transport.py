"""HTTP connections whose end can be waited for, and that follow no redirects."""

import asyncio
import socket
from typing import Any, Final
from weakref import WeakSet

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

_PATIENCE: Final = 2.0
"""Seconds that a server has to answer the end of a TLS connection."""

_POLL: Final = 0.01

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Redirected(aiohttp.ClientError):
    """A server answers with a redirect.

    It is not followed: a member must not decide to which server fleetgate sends requests.
    """


async def refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Raise Redirected for an answer that is a redirect, which no API server gives."""
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise Redirected(f"it answers with a redirect (HTTP {response.status}), not followed")
    return response


class Transport(RESTClientObject):
    """The library's transport, whose `close` also waits for connections of cancelled requests.

    aiohttp waits only for connections that it could use again. The connection of a cancelled
    request waits by itself for the server's end of TLS, and leaks if the event loop ends before.
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def close(self) -> None:
        """End all connections."""
        await super().close()
        clock = asyncio.get_running_loop().time
        until = clock() + _PATIENCE
        while self.connected and clock() < until:  # noqa: ASYNC110 (sockets tell nobody)
            await asyncio.sleep(_POLL)

    @property
    def connected(self) -> bool:
        """Whether any connection is open."""
        return any(connection.fileno() >= 0 for connection in self._sockets)

    def _create_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            limit=self.maxsize, ssl=self.ssl_context, socket_factory=self._socket
        )

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made
