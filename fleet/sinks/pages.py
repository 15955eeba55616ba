"""Lists of the hub, a page at a time."""

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
"""Objects in one answer: some milliseconds to read."""


async def items(
    api: ApiServer, patience: Patience, path: str, query: Sequence[tuple[str, str]] = ()
) -> AsyncIterator[Json]:
    """All objects of a collection; none where its kind is not installed, or may not be listed.

    Objects may come twice, where the server has forgotten half-way what it was listing.
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
