"""Finds out whether an API server that sends nothing still answers.

A watch may be quiet for a minute. The connection to a server that is frozen, or behind a dead
proxy, is quiet too, and stays open: only a request shows the difference. One small request for each
server is enough, however many of its collections are watched.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Never

from fleet.kubernetes.connection import ApiServer, Unreached

_QUESTION: Final = "/version"
"""A path that every account may read. An error is an answer too."""

_ATTEMPTS: Final = 2
"""Requests in a row without an answer after which the server counts as lost.

The first one may fail only because it used an idle connection that was dead.
"""


async def keep_asking(server: ApiServer, on_lost: Callable[[Unreached], None]) -> Never:
    """Send a request whenever the server was quiet, and call `on_lost` if no answer comes.

    By the server's bounds, that takes `quiet` seconds, and `silence` seconds for each attempt.
    """
    clock = asyncio.get_running_loop().time
    settled = clock()
    while True:
        wait = max(server.heard, settled) + server.bounds.quiet - clock()
        if wait > 0:
            await asyncio.sleep(wait)
            continue
        lost = await _ask(server)
        settled = clock()
        if lost is not None:
            on_lost(lost)


async def _ask(server: ApiServer) -> Unreached | None:
    """Send the request; None if the server has sent anything meanwhile."""
    asked = asyncio.get_running_loop().time()
    lost: Unreached | None = None
    for _ in range(_ATTEMPTS):
        try:
            await server.request("GET", _QUESTION, timeout=server.bounds.silence)
        except Unreached as e:
            lost = e
        if server.heard >= asked:
            return None
    return lost
