"""Versions that a client has rejected: no stream of its group is sent such bytes again.

A version stays known as bad after another one is declared, so that going back to it does no harm.
A version that is declared is never forgotten: it would be sent and rejected again and again.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from xds.resource import Resource

_MOST: Final = 1000
"""Versions that are remembered although they are not declared; the oldest is forgotten first."""

_MOST_NODES: Final = 1000
"""Nodes that are remembered for one version; with more of them it is bad for every node."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One resource that a client rejected when it was alone in its response.

    So `message` is about this resource. `origins` are those of the resource, `nodes` are those that
    have rejected it so far.
    """

    type_url: str
    name: str
    version: str
    message: str
    origins: tuple[Hashable, ...]
    nodes: frozenset[str]

    def is_by(self, node_id: str) -> bool:
        """Whether this node is among those that have rejected it."""
        return node_id in self.nodes or len(self.nodes) >= _MOST_NODES


class Quarantine:
    """The rejected versions of one group, by type, name and version."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, dict[str, Rejection]]] = {}
        self._past: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether anything was ever rejected."""
        return bool(self._found)

    def add(self, type_url: str, resource: Resource, message: str, node_id: str) -> None:
        """Remember that a client has rejected a version that is declared, or was."""
        versions = self._found.setdefault(type_url, {}).setdefault(resource.name, {})
        known = versions.get(resource.version)
        nodes = known.nodes | {node_id} if known else frozenset((node_id,))
        versions[resource.version] = (
            replace(
                known, message=message, nodes=nodes if len(nodes) <= _MOST_NODES else known.nodes
            )
            if known
            else Rejection(
                type_url, resource.name, resource.version, message, resource.origins, nodes
            )
        )

    def find(self, type_url: str, resource: Resource) -> Rejection | None:
        """The rejection of exactly this version; None if no client has rejected it."""
        return self._found.get(type_url, {}).get(resource.name, {}).get(resource.version)

    def knows(self, type_url: str, name: str) -> bool:
        """Whether any version of this name was ever rejected. O(1)."""
        return name in self._found.get(type_url, {})

    def names(self, type_url: str) -> Iterable[str]:
        """The names of which a version was ever rejected."""
        return self._found.get(type_url, ())

    def moved_on(self, type_url: str, name: str, version: str) -> None:
        """Note that a version is not declared any more, so that it may be forgotten."""
        if version not in self._found.get(type_url, {}).get(name, {}):
            return
        self._past[type_url, name, version] = None
        while len(self._past) > _MOST:
            (type_url, name, version), _ = self._past.popitem(last=False)
            versions = self._found[type_url][name]
            del versions[version]
            if not versions:
                del self._found[type_url][name]

    def is_back(self, type_url: str, name: str, version: str) -> None:
        """Note that a version is declared again, so that it is not forgotten."""
        self._past.pop((type_url, name, version), None)

    def of(self, declared: Mapping[str, Mapping[str, Resource]]) -> Iterator[Rejection]:
        """The rejections of versions that are declared. O(names ever rejected)."""
        for type_url, named in self._found.items():
            for name, versions in named.items():
                resource = declared.get(type_url, {}).get(name)
                if resource is not None and resource.version in versions:
                    yield versions[resource.version]
