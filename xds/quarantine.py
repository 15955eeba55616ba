"""Versions that a client has rejected: no stream is sent such bytes again.

A version stays known as bad when the name moves on, so that going back to it does no harm either.
"""

from collections.abc import Hashable, ItemsView, Mapping
from dataclasses import dataclass, replace
from typing import Final

from xds.resource import Resource

_MOST: Final = 10_000  # versions remembered; the oldest is forgotten first


@dataclass(frozen=True, slots=True)
class Rejection:
    """One resource that Envoy refused, alone in its response: `message` is about it and no other.

    `origins` are the resource's own, `nodes` the clients that refused it so far.
    """

    type_url: str
    name: str
    version: str
    message: str
    origins: tuple[Hashable, ...]
    nodes: tuple[str, ...]


class Quarantine:
    """The rejected versions of all groups of a cache, by type, name and version."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, Rejection]] = {}
        self._count = 0

    def __bool__(self) -> bool:
        """Whether anything was ever rejected."""
        return bool(self._found)

    def add(self, type_url: str, resource: Resource, message: str, node_id: str) -> Rejection:
        """Remember that a client has rejected a version."""
        versions = self._found.setdefault((type_url, resource.name), {})
        known = versions.get(resource.version)
        if known is None:
            self._count += 1
            rejection = Rejection(
                type_url, resource.name, resource.version, message, resource.origins, (node_id,)
            )
        else:
            nodes = dict.fromkeys((*known.nodes, node_id))
            rejection = replace(known, message=message, nodes=tuple(nodes))
        versions[resource.version] = rejection
        while self._count > _MOST:
            oldest = next(iter(self._found))
            self._count -= len(self._found.pop(oldest))
        return rejection

    def find(self, type_url: str, resource: Resource) -> Rejection | None:
        """The rejection of exactly this version, if a client has refused it."""
        versions = self._found.get((type_url, resource.name))
        return versions.get(resource.version) if versions else None

    def knows(self, type_url: str, name: str) -> bool:
        """Whether any version of this name was ever rejected; O(1), for the common answer no."""
        return (type_url, name) in self._found

    def items(self) -> ItemsView[tuple[str, str], Mapping[str, Rejection]]:
        """All rejections, by type and name, then by version."""
        return self._found.items()
