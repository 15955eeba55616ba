"""What a group of clients shall hold: what is declared, less what was rejected.

For each name a Snapshot knows the declared resource and the last one that some client has
acknowledged. The second stands in where the first was rejected. It also keeps what all streams
share: the bytes that surround each body, and the marks of poisoned scoped routes.
"""

from collections.abc import Iterator, Mapping
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


class Withheld(Enum):
    """The answer to a name whose declared version was rejected and has no good predecessor."""

    WITHHELD = auto()


WITHHELD: Final = Withheld.WITHHELD
Served: TypeAlias = Resource | Withheld | None


class Snapshot:
    """The resources of one group. `epoch` differs between processes: see `mark_resent`."""

    def __init__(self, quarantine: Quarantine, epoch: str) -> None:
        self._quarantine = quarantine
        self._epoch = epoch
        self._declared: dict[str, dict[str, Resource]] = {}
        self._good: dict[str, dict[str, Resource]] = {}
        self._resent: dict[str, int] = {}
        self._delta_heads: dict[str, dict[str, tuple[Resource, bytes]]] = {}
        self._everything: dict[str, Everything] = {}
        self.names = NamePool()

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
            for memory in (self._good, self._delta_heads):
                memory.get(type_url, {}).pop(name, None)
            return True
        named[name] = resource
        return before is None or before.version != resource.version

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
        return node_id in rejection.nodes or not self.is_good(type_url, resource)

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

    def rejections(self) -> Iterator[Rejection]:
        """The declared resources that are in quarantine; O(declared names ever rejected)."""
        for (type_url, name), versions in self._quarantine.items():
            declared = self._declared.get(type_url, {}).get(name)
            if declared is not None and declared.version in versions:
                yield versions[declared.version]

    def lingers(self, type_url: str, name: str) -> bool:
        """Whether routes served in place of rejected ones may still lead to this Cluster.

        Then clients are not told that it is gone, nor its endpoints. Looks for the name's bytes, so
        it may say yes once too often; O(rejected routes).
        """
        if type_url not in _LED_TO:
            return False
        wanted = name.encode()
        return any(
            wanted in good.body
            for rejection in self.rejections()
            if rejection.type_url in _ROUTING
            and (good := self._good.get(rejection.type_url, {}).get(rejection.name)) is not None
            and good.version != rejection.version
        )

    def mark_resent(self, name: str, *, again: bool) -> None:
        """Give a scoped route other bytes from now on; without `again`, only if it has none yet.

        Marks begin with the epoch, because another process may have sent marks of its own.
        """
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

    def delta_everything(self, type_url: str, found: Everything, nonce: str) -> bytes:
        """The DeltaDiscoveryResponse with all of it; made once for streams that begin alike."""
        parts = (part for each in found.values() for part in self.delta_entry(type_url, each))
        return found.response(parts, discovery.delta_tail(type_url, nonce, ()))

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
