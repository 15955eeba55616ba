"""Responses of one group in bytes: what surrounds a body is made once for all of its streams."""

from collections.abc import Iterable, Sequence

from xds import discovery, variation
from xds.changes import Changes
from xds.resource import Resource, TypeUrl


class Encoder:
    """Makes the parts of responses; `epoch` begins the marks of scoped routes that are resent."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._resent: dict[str, int] = {}
        self._delta_heads: dict[str, dict[str, tuple[Resource, bytes]]] = {}

    def mark_resent(self, name: str, *, again: bool) -> bool:
        """Give a scoped route other bytes from now on; False if it has them and `again` is not set.

        Marks begin with the epoch, because another process may have sent marks of its own.
        """
        if not again and name in self._resent:
            return False
        self._resent[name] = self._resent.get(name, 0) + 1
        return True

    def forget(self, type_url: str, name: str) -> None:
        """Drop what is remembered of a resource that is gone."""
        self._delta_heads.get(type_url, {}).pop(name, None)

    def delta(self, type_url: str, changes: Changes, nonce: str, version: str) -> Sequence[bytes]:
        """The parts of a DeltaDiscoveryResponse."""
        removed = list(changes.removals()) if changes.has_removals else ()

        def entries() -> Sequence[bytes]:
            resources = [each for each in changes.values() if each]
            return [part for each in resources for part in self._delta_entry(type_url, each)]

        return changes.join(entries, discovery.delta_tail(type_url, nonce, removed, version))

    def sotw(
        self, type_url: str, resources: Iterable[Resource], nonce: str, version: str
    ) -> Sequence[bytes]:
        """The parts of a DiscoveryResponse."""
        parts = [part for each in resources for part in self._sotw_entry(type_url, each)]
        parts.append(discovery.sotw_tail(type_url, nonce, version))
        return parts

    def _delta_entry(self, type_url: str, resource: Resource) -> tuple[bytes, ...]:
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

    def _sotw_entry(self, type_url: str, resource: Resource) -> tuple[bytes, ...]:
        tail = self._suffix(type_url, resource)
        length = len(resource.body) + len(tail)
        return (discovery.sotw_head(type_url, length), resource.body, tail)

    def _suffix(self, type_url: str, resource: Resource) -> bytes:
        if type_url != TypeUrl.SCOPED_ROUTE:
            return b""
        count = self._resent.get(resource.name)
        return variation.suffix(resource, f"{self._epoch}.{count}") if count else b""
