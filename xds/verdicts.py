"""The rejections of what a group declares at present, and what follows from them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from xds.quarantine import Rejection
from xds.resource import Resource, TypeUrl

_ROUTING: Final = (
    TypeUrl.LISTENER,
    TypeUrl.SCOPED_ROUTE,
    TypeUrl.ROUTE,
    TypeUrl.VIRTUAL_HOST,
)
_LED_TO: Final = (TypeUrl.CLUSTER, TypeUrl.ENDPOINT)
_LOOKED_THROUGH: Final = 1 << 20
"""Bytes of routes in which a name is looked for. Larger routes are taken to hold every name."""

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
        self._leads: dict[str, bool] = {}
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
        """Whether a name has to stay because routes that stand in for rejected ones may need it.

        Clients are not told that such a Cluster is gone, nor that its endpoints are.
        """
        return bool(self.rejections) and type_url in _LED_TO and self._may_lead_to(name)

    @cached_property
    def _routes(self) -> bytes:
        """The routes that are served in place of rejected ones."""
        return b"\0".join(
            found.body
            for type_url in _ROUTING
            for rejection in self.of(type_url)
            if (found := self._good.get(type_url, {}).get(rejection.name)) is not None
            and found.version != rejection.version
        )

    def _may_lead_to(self, name: str) -> bool:
        if len(self._routes) > _LOOKED_THROUGH:
            return True
        if len(self._leads) > _LOOKED_UP:
            self._leads.clear()
        if name not in self._leads:
            self._leads[name] = name.encode() in self._routes
        return self._leads[name]
