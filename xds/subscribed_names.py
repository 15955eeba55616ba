"""The names that a client subscribes to, kept once for all clients that subscribe to the same.

An Envoy asks by name for the endpoints of each Cluster, and a thousand Envoys of one gateway ask
for the same names: a set of 5000 names takes half a megabyte.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Final
from weakref import WeakValueDictionary

_OWN: Final = 64
"""Differences from its shared set that a client keeps for itself in any case."""

_PART: Final = 16
"""The part of its shared set that a client's differences may reach before it joins another set.

To join a set takes as long as the set is large, so it must not happen with each request.
"""


class NamePool:
    """The shared sets of one group. A set is forgotten when no client has it."""

    def __init__(self) -> None:
        self._sets: WeakValueDictionary[int, frozenset[str]] = WeakValueDictionary()
        self.nothing: frozenset[str] = frozenset()

    def share(self, names: Iterable[str]) -> frozenset[str]:
        """The shared set of these names; a new one if no client has it.

        O(names), but O(1) for a set that is shared already.
        """
        wanted = names if isinstance(names, frozenset) else frozenset(map(sys.intern, names))
        known = self._sets.setdefault(hash(wanted), wanted)
        return known if known == wanted else wanted


class SubscribedNames:
    """The names of one subscription: a shared set, and differences from it."""

    __slots__ = ("_added", "_pool", "_removed", "_shared")

    def __init__(self, pool: NamePool) -> None:
        self._pool = pool
        self._shared = pool.nothing
        self._added: set[str] = set()
        self._removed: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._added or (name in self._shared and name not in self._removed)

    def __iter__(self) -> Iterator[str]:
        yield from self._added
        yield from (self._shared - self._removed if self._removed else self._shared)

    def __len__(self) -> int:
        return len(self._added) + len(self._shared) - len(self._removed)

    @property
    def shared(self) -> frozenset[str] | None:
        """The names, if they are a shared set without differences; None otherwise."""
        return None if self._added or self._removed else self._shared

    def add(self, names: Iterable[str]) -> None:
        """Subscribe to more names."""
        if isinstance(names, frozenset) and not self:
            self._shared = self._pool.share(names)
            self._removed = set()
            return
        for name in names:
            if name in self._shared:
                self._removed.discard(name)
            else:
                self._added.add(name)
        self._settle()

    def remove(self, names: Iterable[str]) -> None:
        """Unsubscribe from names."""
        for name in names:
            self._added.discard(name)
            if name in self._shared:
                self._removed.add(name)
        self._settle()

    def _settle(self) -> None:
        own = len(self._added) + len(self._removed)
        if own > _OWN and own > len(self._shared) // _PART:
            self._shared = self._pool.share(self)
            self._added, self._removed = set(), set()
