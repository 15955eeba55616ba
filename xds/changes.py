"""What a client is to be told of one type: resources by name, and None for a name that is gone.

A thousand Envoys that connect are each told the same thousands of names. They are given one shared
object, a Whole, which computes once what is asked of each Changes: the response that it makes, and
the endpoints that its Clusters require. Other modules handle both kinds alike.
"""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from typing import final

from xds.resource import Resource


class Changes(dict[str, Resource | None]):
    """Changes of one type. They are never altered: each method gives other Changes, or these."""

    __slots__ = ()

    @property
    def has_removals(self) -> bool:
        """Whether a name is among them that is gone. O(names)."""
        return not all(self.values())

    @property
    def required(self) -> Collection[str]:
        """The ClusterLoadAssignments that their Clusters wait for. O(names)."""
        return [name for cluster in self.values() if cluster for name in cluster.requires]

    def removals(self) -> Iterator[str]:
        """The names that are gone. O(names)."""
        return (name for name, resource in self.items() if resource is None)

    def upserts(self) -> "Changes":
        """Those that add or change a resource. O(names)."""
        if not self.has_removals:
            return self
        return Changes((name, resource) for name, resource in self.items() if resource is not None)

    def only(self, names: Collection[str]) -> "Changes":
        """Those of some of their names; at once for all of them."""
        if len(names) == len(self):
            return self
        return Changes((name, self[name]) for name in names)

    def without(self, others: Container[str]) -> "Changes":
        """Those of names that are not among others; at once if others are these changes."""
        if others is self:
            return NO_CHANGES
        return Changes((name, each) for name, each in self.items() if name not in others)

    def join(self, entries: Callable[[], Iterable[bytes]], tail: bytes) -> Sequence[bytes]:
        """The parts of the response that tells them: their encoded resources, and its tail."""
        return (*entries(), tail)


NO_CHANGES = Changes()


@final
class Whole(Changes):
    """All resources of a type at one moment, shared by the streams of a group.

    `confirmed` says that a client has acknowledged all of it while it was what is declared.
    """

    __slots__ = ("_names", "_required", "_response", "_versions", "confirmed")

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        super().__init__(resources)
        self.confirmed = False
        self._required: frozenset[str] | None = None
        self._versions: Mapping[str, str] | None = None
        self._names: frozenset[str] | None = None
        self._response: tuple[int, bytes] | None = None

    @property
    def has_removals(self) -> bool:
        """Nothing is gone of what is declared."""
        return False

    @property
    def required(self) -> Collection[str]:
        """The ClusterLoadAssignments that its Clusters wait for; computed once."""
        if self._required is None:
            self._required = frozenset(super().required)
        return self._required

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each resource by name; computed once."""
        if self._versions is None:
            self._versions = {name: each.version for name, each in self.items() if each}
        return self._versions

    def has_names(self, names: frozenset[str]) -> bool:
        """Whether these are its names; at once for the set that was asked about last."""
        if names is self._names:
            return True
        if names != self.keys():
            return False
        self._names = names
        return True

    def join(self, entries: Callable[[], Iterable[bytes]], tail: bytes) -> Sequence[bytes]:
        """The response in one part; `entries` is called once.

        Streams that begin alike have equal nonces, hence equal tails, and share one object.
        """
        if self._response is None:
            body = b"".join(entries())
            length = len(body)
        else:
            length, response = self._response
            if len(response) == length + len(tail) and response.endswith(tail):
                return (response,)
            body = response[:length]
        response = body + tail
        self._response = length, response
        return (response,)
