"""Connections whose end can be waited for, and that lead nowhere else."""

import asyncio
import socket
from typing import Any, Final
from weakref import WeakSet

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

_PATIENCE: Final = 2.0
"""Seconds that servers have to answer the end of their TLS connections."""

_POLL: Final = 0.01

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Redirected(aiohttp.ClientError):
    """A server sends a request elsewhere: who answers for a member would decide whom we ask."""


async def refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Take no answer that is a redirect; no API server gives one. Raises Redirected."""
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise Redirected(f"it answers with a redirect (HTTP {response.status}), not followed")
    return response


class Transport(RESTClientObject):
    """The library's, but `close` returns when the connections are gone.

    aiohttp waits for those that it would use again. That of a request which was cancelled waits on
    its own for the server's end of TLS, and a loop that ends before leaks it.
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
        """Whether a connection is there, or not quite gone."""
        return any(each.fileno() >= 0 for each in self._sockets)

    def _create_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            limit=self.maxsize, ssl=self.ssl_context, socket_factory=self._socket
        )

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        made = socket.socket(family, kind, protocol)
        self._sockets.add(made)
        return made
