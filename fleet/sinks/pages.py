"""Lists objects of the hub page by page, until the hub answers."""

import logging
from collections.abc import AsyncIterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.patience import Patience

log = logging.getLogger(__name__)

Json: TypeAlias = Any

PAGE: Final = 500
"""Objects in one page, which takes some milliseconds to read."""


async def items(
    api: ApiServer, patience: Patience, path: str, query: Sequence[tuple[str, str]] = ()
) -> AsyncIterator[Json]:
    """All objects of a collection; none if its kind is not installed or RBAC forbids to list it.

    An object may come twice, if the server's continue token expires on the way.
    """
    following = ""
    while True:
        asked = [*query, ("limit", str(PAGE))]
        asked += [("continue", following)] if following else []
        reply = await patience.ask(partial(api.request, "GET", path, query=asked))
        if reply.status == HTTPStatus.GONE and following:
            following = ""
            continue
        if not reply.ok:
            if reply.status != HTTPStatus.NOT_FOUND:
                log.warning("the hub does not list %s: %s", path, reply.message)
            return
        answer = reply.json()
        for item in answer["items"]:
            yield item
        following = answer["metadata"].get("continue", "")
        if not following:
            return
