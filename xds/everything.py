"""All that a group has of one type, for clients that hold nothing of it yet.

A thousand Envoys that connect are each to be told the same thousands of names. What is computed of
all of them together (the response, what it requires, whether it is the good version) is computed
once, and an Everything is recognised by identity where other changes are walked through.
"""

from collections.abc import Iterable, Mapping
from typing import final

from xds.resource import Resource


@final
class Everything(dict[str, Resource]):
    """The declared resources of a type at one moment, by name; shared by streams, never changed.

    `confirmed` says that a client has acknowledged all of it while it was what is declared.
    """

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        super().__init__(resources)
        self.confirmed = False
        self._required: frozenset[str] | None = None
        self._versions: Mapping[str, str] | None = None
        self._named: frozenset[str] | None = None
        self._response: tuple[int, bytes] | None = None

    @property
    def required(self) -> frozenset[str]:
        """The ClusterLoadAssignments that its Clusters wait for."""
        if self._required is None:
            self._required = frozenset(name for each in self.values() for name in each.requires)
        return self._required

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each."""
        if self._versions is None:
            self._versions = {name: resource.version for name, resource in self.items()}
        return self._versions

    def is_named_by(self, names: frozenset[str]) -> bool:
        """Whether these are its names: at once for the set that was asked about last."""
        if names is self._named:
            return True
        if names != self.keys():
            return False
        self._named = names
        return True

    def response(self, parts: Iterable[bytes], tail: bytes) -> bytes:
        """Join the encoded resources, which are looked at once, and a tail.

        Streams that begin alike have equal nonces, hence equal tails, and share one object.
        """
        if self._response is None:
            body = b"".join(parts)
            length = len(body)
        else:
            length, response = self._response
            if len(response) == length + len(tail) and response.endswith(tail):
                return response
            body = response[:length]
        response = body + tail
        self._response = length, response
        return response
