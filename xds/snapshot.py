"""What a group of clients shall hold: what is declared, less what was rejected.

For each name a Snapshot knows the declared resource and the last one that some client has
acknowledged. The second stands in where the first was rejected. It also keeps what all streams
share: the bytes that surround each body, and the marks of poisoned scoped routes.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, TypeAlias

from xds import discovery, variation
from xds.everything import Everything
from xds.names import NamePool
from xds.quarantine import Quarantine, Rejection
from xds.resource import Resource, TypeUrl

_ROUTING: Final = (
    TypeUrl.LISTENER,
    TypeUrl.SCOPED_ROUTE,
    TypeUrl.ROUTE,
    TypeUrl.VIRTUAL_HOST,
)
_LED_TO: Final = (TypeUrl.CLUSTER, TypeUrl.ENDPOINT)
_LOOKED_THROUGH: Final = 1 << 20
"""Bytes of routes in which a name is looked for; where there are more, it may be in them."""

_LOOKED_UP: Final = 10_000
"""Names of which it is remembered whether they were found."""


class Withheld(Enum):
    """The answer to a name whose declared version was rejected and has no good predecessor."""

    WITHHELD = auto()


WITHHELD: Final = Withheld.WITHHELD
Served: TypeAlias = Resource | Withheld | None


class Verdicts:
    """The rejections of what a group has declared now, and what follows from them."""

    def __init__(
        self, rejections: tuple[Rejection, ...], good: Mapping[str, Mapping[str, Resource]]
    ) -> None:
        self.rejections = rejections
        self._by_type: dict[str, list[Rejection]] = {}
        for rejection in rejections:
            self._by_type.setdefault(rejection.type_url, []).append(rejection)
        instead = (
            found.body
            for type_url in _ROUTING
            for rejection in self.of(type_url)
            if (found := good.get(type_url, {}).get(rejection.name)) is not None
            and found.version != rejection.version
        )
        self._routes = b"\0".join(instead)
        self._leads: dict[str, bool] = {}
        self._nodes: frozenset[str] | None = None

    def of(self, type_url: str) -> Sequence[Rejection]:
        """Those of one type."""
        return self._by_type.get(type_url, ())

    def message_for(self, type_url: str, node_id: str) -> str | None:
        """Why a node has rejected something of a type; None where it has not."""
        if self._nodes is None:
            self._nodes = frozenset().union(*(rejection.nodes for rejection in self.rejections))
        if node_id not in self._nodes:
            return None
        return next((r.message for r in reversed(self.of(type_url)) if node_id in r.nodes), None)

    def may_lead_to(self, name: str) -> bool:
        """Whether the bytes of a name are in routes that are served in place of rejected ones."""
        if len(self._routes) > _LOOKED_THROUGH:
            return True
        if len(self._leads) > _LOOKED_UP:
            self._leads.clear()
        if name not in self._leads:
            self._leads[name] = name.encode() in self._routes
        return self._leads[name]


class Snapshot:
    """The resources of one group. `epoch` differs between processes: see `mark_resent`."""

    def __init__(self, epoch: str) -> None:
        self._quarantine = Quarantine()
        self._verdicts: Verdicts | None = None
        self._epoch = epoch
        self._declared: dict[str, dict[str, Resource]] = {}
        self._good: dict[str, dict[str, Resource]] = {}
        self._resent: dict[str, int] = {}
        self._delta_heads: dict[str, dict[str, tuple[Resource, bytes]]] = {}
        self._everything: dict[str, Everything] = {}
        self.names = NamePool()
        self.versions: dict[str, str] = {}
        """What is declared of a type, by a name that whoever declares it has chosen."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was ever rejected: then all nodes are served what is declared."""
        return not self._quarantine

    def declared(self, type_url: str) -> Mapping[str, Resource]:
        """What was published, rejected or not; a live view."""
        return MappingProxyType(self._declared.get(type_url, {}))

    def types(self) -> tuple[str, ...]:
        """The types that have a declared resource."""
        return tuple(type_url for type_url, named in self._declared.items() if named)

    def declare(self, type_url: str, name: str, resource: Resource | None) -> bool:
        """Set or remove one resource; False if its version is the declared one already."""
        named = self._declared.setdefault(type_url, {})
        before = named.get(name)
        self._everything.pop(type_url, None)
        if resource is None:
            if before is None:
                return False
            del named[name]
            self._moved_on(type_url, before)
            for memory in (self._good, self._delta_heads):
                memory.get(type_url, {}).pop(name, None)
            return True
        named[name] = resource
        if before is not None and before.version == resource.version:
            return False
        if before is not None:
            self._moved_on(type_url, before)
        if self._quarantine.knows(type_url, name):
            self._quarantine.is_back(type_url, name, resource.version)
            self._verdicts = None
        return True

    def _moved_on(self, type_url: str, before: Resource) -> None:
        if self._quarantine.knows(type_url, before.name):
            self._quarantine.moved_on(type_url, before.name, before.version)
            self._verdicts = None

    def reject(self, type_url: str, resource: Resource, message: str, node_id: str) -> None:
        """A client has rejected a resource, alone."""
        self._quarantine.add(type_url, resource, message, node_id)
        declared = self._declared.get(type_url, {}).get(resource.name)
        if declared is None or declared.version != resource.version:
            self._quarantine.moved_on(type_url, resource.name, resource.version)
        self._verdicts = None

    def served(self, type_url: str, name: str, node_id: str) -> Served:
        """What a node shall hold under a name."""
        declared = self._declared.get(type_url, {}).get(name)
        if self.is_clean or declared is None or not self.is_banned(type_url, declared, node_id):
            return declared
        good = self._good.get(type_url, {}).get(name)
        if good is None or self.is_banned(type_url, good, node_id):
            return WITHHELD
        return good

    def is_banned(self, type_url: str, resource: Resource, node_id: str) -> bool:
        """Whether these bytes must not go to this node.

        A version that one client rejected and another acknowledged (a port in use on one host, an
        older Envoy) is kept only from those that rejected it.
        """
        rejection = self._quarantine.find(type_url, resource)
        if rejection is None:
            return False
        return rejection.is_by(node_id) or not self.is_good(type_url, resource)

    def is_disputable(self, type_url: str, name: str) -> bool:
        """Whether nodes may be served different versions of this name."""
        return self._quarantine.knows(type_url, name)

    def is_good(self, type_url: str, resource: Resource) -> bool:
        """Whether this version is the one last acknowledged by some client."""
        good = self._good.get(type_url, {}).get(resource.name)
        return good is not None and good.version == resource.version

    def good(self, type_url: str) -> Mapping[str, Resource]:
        """The last acknowledged version of each name; a live view."""
        return MappingProxyType(self._good.get(type_url, {}))

    def confirm(self, type_url: str, resource: Resource) -> None:
        """A client has acknowledged a resource."""
        declared = self._declared.get(type_url, {}).get(resource.name)
        if declared is None:
            return
        named = self._good.setdefault(type_url, {})
        good = named.get(resource.name)
        if good is resource:
            return
        if good is None or good.version != declared.version or resource is declared:
            named[resource.name] = resource
            if self._quarantine.knows(type_url, resource.name):
                self._verdicts = None

    @property
    def verdicts(self) -> "Verdicts":
        """What follows from all rejections; one object until something changes it."""
        if self._verdicts is None:
            rejections = tuple(self._quarantine.of(self._declared)) if self._quarantine else ()
            self._verdicts = Verdicts(rejections, self._good)
        return self._verdicts

    def lingers(self, type_url: str, name: str) -> bool:
        """Whether routes served in place of rejected ones may still lead to this Cluster.

        Then clients are not told that it is gone, nor its endpoints.
        """
        return type_url in _LED_TO and self.verdicts.may_lead_to(name)

    def mark_resent(self, name: str, *, again: bool) -> None:
        """Give a scoped route other bytes from now on; without `again`, only if it has none yet.

        Marks begin with the epoch, because another process may have sent marks of its own.
        """
        if name not in self._declared.get(TypeUrl.SCOPED_ROUTE, {}):
            return  # whoever names it need not be right
        if again or name not in self._resent:
            self._everything.pop(TypeUrl.SCOPED_ROUTE, None)
            self._resent[name] = self._resent.get(name, 0) + 1

    def everything(self, type_url: str) -> Everything:
        """All that is declared of a type; one object until a change."""
        found = self._everything.get(type_url)
        if found is None:
            found = self._everything[type_url] = Everything(self._declared.get(type_url, {}))
        return found

    def as_everything(
        self, type_url: str, changes: Mapping[str, Resource | None]
    ) -> Everything | None:
        """The changes, if they are what `everything` gave and gives now; O(1)."""
        current = self._everything.get(type_url)
        return current if current is changes else None

    def delta_everything(self, type_url: str, found: Everything, nonce: str, version: str) -> bytes:
        """The DeltaDiscoveryResponse with all of it; made once for streams that begin alike."""
        parts = (part for each in found.values() for part in self.delta_entry(type_url, each))
        return found.response(parts, discovery.delta_tail(type_url, nonce, (), version))

    def delta_entry(self, type_url: str, resource: Resource) -> tuple[bytes, ...]:
        """The parts that make one resource of a DeltaDiscoveryResponse."""
        tail = self._suffix(type_url, resource)
        if tail:
            length = len(resource.body) + len(tail)
            return (discovery.delta_head(type_url, resource, length), resource.body, tail)
        heads = self._delta_heads.setdefault(type_url, {})
        memo = heads.get(resource.name)
        if memo is None or memo[0] is not resource:
            memo = (resource, discovery.delta_head(type_url, resource, len(resource.body)))
            heads[resource.name] = memo
        return (memo[1], resource.body)

    def sotw_entry(self, type_url: str, resource: Resource) -> tuple[bytes, ...]:
        """The parts that make one resource of a DiscoveryResponse."""
        tail = self._suffix(type_url, resource)
        length = len(resource.body) + len(tail)
        return (discovery.sotw_head(type_url, length), resource.body, tail)

    def _suffix(self, type_url: str, resource: Resource) -> bytes:
        if type_url != TypeUrl.SCOPED_ROUTE:
            return b""
        count = self._resent.get(resource.name)
        return variation.suffix(resource, f"{self._epoch}.{count}") if count else b""
