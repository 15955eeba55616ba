"""A client of an API server that reads its credentials again when the server refuses them.

Operators replace the tokens and certificates of a kubeconfig while fleetgate runs, so a client that
lives for hours must not depend on those that it started with.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from fleet.kubernetes.connection import ApiServer, Json, Query, Reply
from fleet.kubernetes.intake import Lines
from fleet.kubernetes.kubeconfig import BadKubeconfig

log = logging.getLogger(__name__)

PAUSE: Final = 10.0
"""The least seconds between two attempts to read a configuration again."""


class RenewedServer(ApiServer):
    """Sends requests by the client `first`, and after a 401 by a new client from `connect`.

    The refused request is repeated by the new client. If `connect` raises BadKubeconfig, the caller
    gets the answer with status 401.
    """

    def __init__(self, connect: Callable[[], Awaitable[ApiServer]], first: ApiServer) -> None:
        self.server = first.server
        self._connect = connect
        self._current = first
        self._former: ApiServer | None = None
        self._renewing = asyncio.Lock()
        self._renewed = -math.inf

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 (as its base has it)
    ) -> Reply:
        """Send one request, and repeat it by a new client after a 401; otherwise as ApiServer."""

        async def ask(server: ApiServer) -> Reply:
            return await server.request(
                method, path, query=query, body=body, content_type=content_type, timeout=timeout
            )

        asked = self._current
        reply = await ask(asked)
        if reply.status == HTTPStatus.UNAUTHORIZED and await self._renew(asked):
            return await ask(self._current)
        return reply

    @asynccontextmanager
    async def watch(self, path: str, query: Query) -> AsyncIterator[tuple[int, Lines]]:
        """Watch as ApiServer does. After a 401, the next request makes a new client."""
        async with self._current.watch(path, query) as watched:
            yield watched

    async def close(self) -> None:
        """End all connections."""
        if self._former is not None:
            await self._former.close()
        await self._current.close()

    async def _renew(self, refused: ApiServer) -> bool:
        """Make a new client in place of the refused one; False if there is none to use."""
        async with self._renewing:
            if self._current is not refused:
                return True
            now = asyncio.get_running_loop().time()
            if now - self._renewed < PAUSE:
                return False
            self._renewed = now
            try:
                found = await self._connect()
            except BadKubeconfig as e:
                log.warning(
                    "%s refuses the credentials, and there are no others: %s", self.server, e
                )
                return False
            # Other requests may still wait for answers by the refused client, so it is closed when
            # the next client is replaced.
            before, self._former, self._current = self._former, refused, found
            if before is not None:
                await before.close()
            return True
