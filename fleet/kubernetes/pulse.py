"""Whether an API server that says nothing is still there.

A watch may be quiet for a minute, and the connection to a server that is frozen, or behind a dead
proxy, stays open: only a question shows the difference. One small request for each server does, in
whatever number its collections are watched.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Never

from fleet.kubernetes.connection import ApiServer, Unreached

_QUESTION: Final = "/version"
"""What every account may ask; a refusal is an answer too."""

_ATTEMPTS: Final = 2
"""A connection that was left unused may be dead without a server being so."""


async def keep_asking(server: ApiServer, on_lost: Callable[[Unreached], None]) -> Never:
    """Ask whenever the server has been quiet; `on_lost` is called each time that no answer comes.

    That is noticed after `quiet` and once `silence` for each attempt.
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
    """None where the server has said something, whatever it is."""
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
