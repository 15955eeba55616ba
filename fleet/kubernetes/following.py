"""Follows a collection by a client that renews its own credentials."""

import asyncio
from typing import Never

from fleet.kubernetes.backoff import Backoff
from fleet.kubernetes.collection import Unauthorized
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.reflector import Reflector


async def follow(reflector: Reflector, server: ApiServer) -> Never:
    """Follow a collection until cancelled; after refused credentials it tries again."""
    backoff = Backoff()
    while True:
        try:
            await reflector.run(server)
        except Unauthorized:
            # The client reads the token of a Pod's service account again by itself.
            await asyncio.sleep(backoff.next())
