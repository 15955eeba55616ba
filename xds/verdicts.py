"""The rejections of what a group declares at present, and what follows from them."""

from collections.abc import Mapping, Sequence
from typing import Final

from xds.quarantine import Rejection
from xds.resource import Resource, TypeUrl

_ROUTING: Final = (
    TypeUrl.LISTENER,
    TypeUrl.SCOPED_ROUTE,
    TypeUrl.ROUTE,
    TypeUrl.VIRTUAL_HOST,
)
_USERS: Final[Mapping[str, tuple[TypeUrl, ...]]] = {
    TypeUrl.CLUSTER: _ROUTING,
    TypeUrl.ENDPOINT: _ROUTING,
    TypeUrl.SECRET: (TypeUrl.LISTENER, TypeUrl.CLUSTER),
}
"""By type, the types of the resources that may need a resource of it."""

_LOOKED_THROUGH: Final = 1 << 20
"""Bytes of users in which a name is looked for. In more bytes every name is taken to be found."""

_LOOKED_UP: Final = 10_000
"""Names of which it is remembered whether they were found."""

_NO_NAMES: Final = frozenset[str]()


class Verdicts:
    """The verdicts of one moment: `good` has the last acknowledged resources by type and name."""

    def __init__(
        self, rejections: tuple[Rejection, ...], good: Mapping[str, Mapping[str, Resource]]
    ) -> None:
        self.rejections = rejections
        self._by_type: dict[str, list[Rejection]] = {}
        for rejection in rejections:
            self._by_type.setdefault(rejection.type_url, []).append(rejection)
        self._disputed = {
            type_url: frozenset(rejection.name for rejection in found)
            for type_url, found in self._by_type.items()
        }
        self._good = good
        self._stand_ins: dict[tuple[TypeUrl, ...], bytes] = {}
        self._found: dict[tuple[tuple[TypeUrl, ...], str], bool] = {}
        self._nodes: frozenset[str] | None = None

    def of(self, type_url: str) -> Sequence[Rejection]:
        """The rejections of one type."""
        return self._by_type.get(type_url, ())

    def disputed(self, type_url: str) -> frozenset[str]:
        """The names of a type whose declared version was rejected by a client."""
        return self._disputed.get(type_url, _NO_NAMES)

    def message_for(self, type_url: str, node_id: str) -> str | None:
        """Why a node has rejected something of a type; None where it has not."""
        if self._nodes is None:
            self._nodes = frozenset().union(*(rejection.nodes for rejection in self.rejections))
        if node_id not in self._nodes:
            return None
        return next((r.message for r in reversed(self.of(type_url)) if node_id in r.nodes), None)

    def keeps(self, type_url: str, name: str) -> bool:
        """Whether a name has to stay because what stands in for a rejected resource may need it.

        Clients are not told that such a Cluster is gone, nor that its endpoints or a Secret are.
        """
        users = _USERS.get(type_url)
        return users is not None and bool(self.rejections) and self._is_in(users, name)

    def _is_in(self, users: tuple[TypeUrl, ...], name: str) -> bool:
        bodies = self._stand_ins.get(users)
        if bodies is None:
            bodies = self._stand_ins[users] = self._joined(users)
        if len(bodies) > _LOOKED_THROUGH:
            return True
        if len(self._found) > _LOOKED_UP:
            self._found.clear()
        found = self._found.get((users, name))
        if found is None:
            found = self._found[users, name] = name.encode() in bodies
        return found

    def _joined(self, types: tuple[TypeUrl, ...]) -> bytes:
        """The bodies that are served in place of rejected ones."""
        return b"\0".join(
            found.body
            for type_url in types
            for rejection in self.of(type_url)
            if (found := self._good.get(type_url, {}).get(rejection.name)) is not None
            and found.version != rejection.version
        )
