"""An API server whose credentials are read again when it refuses them.

Tokens and certificates of a kubeconfig are replaced while we run: who writes for hours must not go
on with those of the start.
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
"""Seconds between two looks at a configuration whose credentials are refused."""


class RenewedServer(ApiServer):
    """Asks by `first`; after a 401, by a new client of `connect`, once more and from then on.

    `connect` raises BadKubeconfig where there is none: then the refusal is the answer.
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
        """Ask as ApiServer does, a second time where new credentials may do."""

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
        """Watch as ApiServer does; a refusal is left to the list that follows it."""
        async with self._current.watch(path, query) as watched:
            yield watched

    async def close(self) -> None:
        """End all connections."""
        if self._former is not None:
            await self._former.close()
        await self._current.close()

    async def _renew(self, refused: ApiServer) -> bool:
        """Whether there is another client than the one that was refused."""
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
            # Others still wait for answers by the refused one: it is closed when the next one goes.
            before, self._former, self._current = self._former, refused, found
            if before is not None:
                await before.close()
            return True
