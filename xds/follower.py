"""What the cache asks of a stream; xds.stream has the implementation."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from xds.resource import TypeUrl
from xds.snapshot import Target
from xds.views import Backlog, ClientView


class Follower(Protocol):
    """A stream, as its group sees it."""

    @property
    def node_id(self) -> str:
        """The client's node id."""
        ...

    @property
    def waits(self) -> bool:
        """Whether the client is told nothing until its group is published."""
        ...

    def mark(self, type_url: str, name: str, before: Target) -> None:
        """Note that the client's target under a name was `before` until now. O(1)."""
        ...

    def names(self, type_url: str) -> Iterable[str]:
        """The names of a type that the client is subscribed to."""
        ...

    def renumber(self, type_url: str) -> None:
        """Note that what is declared of a type was given another version, changed or not."""
        ...

    def wake(self) -> None:
        """Ask for responses soon. The group calls it after the marks of one publish."""
        ...

    def view(self) -> ClientView:
        """What the client holds."""
        ...

    def backlog(self) -> Backlog:
        """What the client has still to acknowledge."""
        ...

    def unacknowledged(self) -> Iterator[tuple[TypeUrl, str]]:
        """The types and names that are declared, subscribed to, and not acknowledged."""
        ...

    def listens(self) -> bool:
        """Whether the client has acknowledged all Listeners that are declared, at least one."""
        ...
