"""A collection followed by a client whose credentials renew themselves."""

import asyncio
from typing import Never

from fleet.kubernetes.backoff import Backoff
from fleet.kubernetes.collection import Unauthorized
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.reflector import Reflector


async def follow(reflector: Reflector, server: ApiServer) -> Never:
    """Follow a collection until cancelled, also through refused credentials."""
    backoff = Backoff()
    while True:
        try:
            await reflector.run(server)
        except Unauthorized:
            # Credentials of a Pod renew themselves.
            await asyncio.sleep(backoff.next())
