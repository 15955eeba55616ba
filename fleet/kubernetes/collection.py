"""Lists a collection of objects of an API server, page by page."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from fleet.kinds import Kind, group_of
from fleet.kubernetes.connection import ApiServer, Excess, Reply, Unreached
from fleet.kubernetes.intake import TooMuch
from fleet.kubernetes.page import Page, read_page
from fleet.outage import Outage
from fleet.parse import Parsed, read_served

T = TypeVar("T")
Json: TypeAlias = Any  # as an API server sends it

PAGE: Final = 500
"""Objects in one page of a list."""

_ATTEMPTS: Final = (PAGE, PAGE, 0)
"""The size of a page in each attempt, 0 for a list in one piece.

If continue tokens expire faster than pages come, only a list in one piece comes to its end.
"""


class Refusal(Exception):
    """An API server answers with an error, or with something else than what was asked for.

    The text is one sentence. `retry_after` is in seconds, 0 if the server names no time.
    """

    outage = Outage.ERROR

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorized(Refusal):
    """The credentials are not valid."""

    outage = Outage.CREDENTIALS


class Forbidden(Refusal):
    """The credentials are valid, and RBAC does not permit the request."""

    outage = Outage.RIGHTS


class NotServed(Refusal):
    """The API server does not know the kind: its custom resource definition is missing."""


class Listable(Protocol):
    """A collection that can be listed and watched. `str` gives its name for messages."""

    @property
    def path(self) -> str:
        """The path of lists and watches."""
        ...

    @property
    def query(self) -> list[tuple[str, str]]:
        """The parameters that select a part of the objects, none for all."""
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """The objects of a kind that match the selectors, in one namespace or in all of them."""

    kind: Kind
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""

    @property
    def path(self) -> str:
        """The path of lists and watches."""
        return self.kind.path_in(self.namespace)

    @property
    def query(self) -> list[tuple[str, str]]:
        """The selectors as query parameters."""
        selectors = (
            ("labelSelector", self.label_selector),
            ("fieldSelector", self.field_selector),
        )
        return [(name, value) for name, value in selectors if value]

    def __str__(self) -> str:
        group = group_of(self.kind.api_version)
        return f"{self.kind.plural}.{group}" if group else self.kind.plural

    def read(self, item: Json, origin: str) -> Parsed:
        """Read an object of the collection. Its `kind` may be absent, as it is in lists."""
        return read_served(item, self.kind, origin, self.path)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """The items of a collection at a position, from which a watch can go on.

    A position is Kubernetes' `resourceVersion`.
    """

    items: list[T]
    position: str


async def list_all(
    server: ApiServer, collection: Listable, read: Callable[[Json], T]
) -> Listing[T]:
    """Read a whole collection, page by page; a thread parses each page.

    Raises Refusal and Unreached. An item that `read` finds malformed makes a Refusal.
    """
    try:
        async with asyncio.timeout(server.bounds.listing):
            for limit in _ATTEMPTS:
                if (listing := await _list(server, collection, read, limit)) is not None:
                    return listing
    except TimeoutError:
        late = f"{collection} are not read to their end within {server.bounds.listing:g} s"
        raise Unreached(f"{server.server}: {late}") from None
    raise Refusal(f"{server.server}: the list of {collection} expires while it is read")


async def position_of(server: ApiServer, collection: Listable) -> str:
    """The present position of a collection. Asks for one object. Raises Refusal and Unreached."""
    query = [*collection.query, ("limit", "1")]
    reply = await server.request("GET", collection.path, query=query)
    if not reply.ok:
        raise refusal(server, collection, "list", reply)
    return (await asyncio.to_thread(_page, server, reply, lambda _: None)).position


async def _list(
    server: ApiServer, collection: Listable, read: Callable[[Json], T], limit: int
) -> Listing[T] | None:
    """List once, with pages of `limit` objects; None if a continue token expires on the way."""
    items: list[T] = []
    token = ""
    for _ in range(server.bounds.pages):
        asked = [("limit", str(limit) if limit else ""), ("continue", token)]
        query = [*collection.query, *((name, value) for name, value in asked if value)]
        reply = await server.request(
            "GET", collection.path, query=query, timeout=server.bounds.page
        )
        if reply.status == 410 and token:
            return None
        if not reply.ok:
            raise refusal(server, collection, "list", reply)
        # Parsing a page takes a while, and the event loop also serves Envoys.
        page = await asyncio.to_thread(_page, server, reply, read)
        items += page.items
        token = page.following
        if not token:
            return Listing(items, page.position)
    raise Excess(f"{server.server}: it sends more than {server.bounds.pages} pages of {collection}")


def _page(server: ApiServer, reply: Reply, read: Callable[[Json], T]) -> Page[T]:
    try:
        return read_page(reply.body, read, server.bounds.item)
    except TooMuch as e:
        raise Excess(f"{server.server}: {e}") from e
    except ValueError as e:
        raise Refusal(f"{server.server}: the answer is no list of Kubernetes objects") from e


def refusal(server: ApiServer, collection: Listable, verb: str, reply: Reply) -> Refusal:
    """The Refusal for a reply whose status is no success."""
    reason = f": {reply.message}" if reply.message else ""
    match reply.status:
        case 401:
            return Unauthorized(f"{server.server}: the credentials are not valid (401{reason})")
        case 403:
            return Forbidden(
                f"{server.server} does not let fleetgate {verb} {collection}{reason}; its RBAC has "
                f"to allow get, list and watch on {collection}"
            )
        case 404:
            return NotServed(f"{server.server} does not know {collection} ({reason[2:] or 404})")
        case status:
            message = f"{server.server}: HTTP {status} to {verb} {collection}{reason}"
            return Refusal(message, reply.retry_after or 0)
