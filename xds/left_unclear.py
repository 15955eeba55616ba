"""What clients left unclear when their streams ended: their next streams are told it again.

A client that rejected a response may have applied a part of it, so what it says of itself when it
comes back is not enough.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeAlias

NamesByType: TypeAlias = Mapping[str, frozenset[str]]

_MOST_CLIENTS: Final = 10_000
_MOST_NAMES: Final = 500_000


class LeftUnclear:
    """Remembers names by client, up to a bound; the oldest client is forgotten first."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str], NamesByType] = OrderedDict()
        self._names = 0

    def remember(self, group: str, node_id: str, unclear: NamesByType) -> None:
        """Remember what a client of a group left unclear, in place of anything earlier."""
        if not unclear or not node_id:
            return
        self.recall(group, node_id)
        self._left[group, node_id] = unclear
        self._names += _count(unclear)
        while len(self._left) > _MOST_CLIENTS or self._names > _MOST_NAMES:
            _, forgotten = self._left.popitem(last=False)
            self._names -= _count(forgotten)

    def recall(self, group: str, node_id: str) -> NamesByType:
        """What a client left unclear; it is told once."""
        found = self._left.pop((group, node_id), {})
        self._names -= _count(found)
        return found


def _count(names: NamesByType) -> int:
    return sum(map(len, names.values()))
