"""A long list of routes becomes a tree over the path, in which Envoy finds a route at once.

Envoy tries a list from top to bottom, at about 20 ns a route. In a tree (`VirtualHost.matcher`) it
finds the longest key that `:path` starts with, and tries only the routes that stand there:

    list                  tree
    Prefix /shop/cart  a  /shop/cart   a, b
    Prefix /shop       b  /shop        b, c, 404
    regex              c  (no key)     c, 404
    (the rest)       404

Envoy never goes back from a key to a shorter one, even if no route of the key matches. So a key has
every route that may match a path which starts with it, in the list's order, up to the first that
matches all such paths. The path `/shopping` also starts with `/shop`, hence the `c, 404` there.

If a key has many routes (many regexes, or a canary on `/`), it is replaced by three keys that need
fewer, because each stands for paths that are sure to match `/shop`:

    /shop (exactly)  b        /shop? (with a query)  b        /shop/ (below)  b

`:path` includes the query, but no fragment: Envoy refuses requests with one. The keys distinguish
case, so a path in any case stands at every key, as a regex does.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from translators.model.paths import Path, PathKind

MOST_COPIES: Final = 8
"""A list stays a list if its tree would have this many times the routes.

This happens to hosts with conditions on most rules. Each key then has the routes of all shorter
paths and of all regexes, so the tree grows with the product of paths and regexes."""

_FEW: Final = 3
"""Up to so many routes, one key is kept: three keys would not have fewer routes."""

Places: TypeAlias = tuple[int, ...]
"""Some routes, by their positions in the list, in ascending order."""


class Branch(NamedTuple):
    """The conditions of a route in the list: its path, and whether it has others."""

    path: Path
    conditional: bool


@dataclass(frozen=True, slots=True)
class PathTree:
    """A tree of routes.

    Envoy tries the routes of the key in `exact` that equals `:path`. Without such a key, it tries
    those of the longest key in `prefixes` that `:path` starts with, and otherwise `rest`.
    """

    exact: Mapping[str, Places]
    prefixes: Mapping[str, Places]
    rest: Places

    @property
    def size(self) -> int:
        """The number of routes in the tree, with their copies."""
        lists = (*self.exact.values(), *self.prefixes.values(), self.rest)
        return sum(len(places) for places in lists)


def grow(branches: Sequence[Branch]) -> PathTree | None:
    """Make the tree that chooses as the list does; None if the list should stay a list.

    The list of routes has one more than `branches`, at its end, which takes every request. Costs
    O(n) for paths of bounded depth, and gives up as soon as the tree becomes too large.
    """
    ground = _Ground(branches)
    exact: dict[str, Places] = {}
    prefixes: dict[str, Places] = {}
    left = MOST_COPIES * len(branches)
    for path in ground.paths:
        own, inherited = ground.starting(path)
        size = len(own) + len(inherited)
        at, below = ((), ()) if size <= _FEW else (ground.at(path), ground.below(path))
        if at and (divided := 2 * len(at) + len(below)) < size:
            size = divided
            exact[path] = prefixes[f"{path}?"] = at
            if below:
                prefixes[f"{path}/"] = below
        elif size <= left:
            prefixes[path] = _joined(own, inherited)
        left -= size
        if left < 0:
            return None
    # Without keys the tree would be the list again, and Envoy refuses an empty map.
    return PathTree(exact, prefixes, ground.rest) if prefixes else None


class _Ground:
    """The routes of a list by their paths."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self._branches = branches
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._prefix: dict[str, list[int]] = defaultdict(list)
        anywhere: list[int] = []
        for place, (path, _) in enumerate(branches):
            if path.ignore_case:
                anywhere.append(place)
            elif path.kind is PathKind.EXACT:
                self._exact[path.value].append(place)
            elif path.kind is PathKind.PREFIX and path.value != "/":
                self._prefix[path.value].append(place)
            else:
                anywhere.append(place)
        self.paths = {**self._exact, **self._prefix}.keys()
        # A route for "/" does not end this list: the path of `OPTIONS *` has no slash.
        self.rest = (*anywhere, len(branches))
        self._under: dict[str, Places] = {"": self._first_to_sure(self.rest)}

    def starting(self, key: str) -> tuple[Sequence[int], Places]:
        """Return the routes that may match paths for which this is the longest key.

        The first part has the routes of this very path. The second has those of shorter paths,
        which all of these paths match.
        """
        inherited = self._inherited(key)
        return [place for place in self._own(key) if place < inherited[-1]], inherited

    def at(self, path: str) -> Places:
        """Return the routes that may match the path itself."""
        return self._met(sorted(self._own(path)), self._inherited(path))

    def below(self, path: str) -> Places:
        """Return the routes that may match below the path; () unless it is a prefix."""
        return _joined(*self.starting(f"{path}/")) if path in self._prefix else ()

    def _own(self, path: str) -> Sequence[int]:
        return (*self._exact.get(path, ()), *self._prefix.get(path, ()))

    def _inherited(self, key: str) -> Places:
        """Return the routes of shorter paths that may match every path that starts with the key."""
        unknown = []
        while (prefix := self._above(key)) not in self._under:
            unknown.append(prefix)
            key = prefix
        inherited = self._under[prefix]
        for longer in reversed(unknown):
            inherited = self._under[longer] = self._met(self._prefix[longer], inherited)
        return inherited

    def _above(self, key: str) -> str:
        """Return the longest prefix of the list that covers every path with this key, or ""."""
        end = key.rfind("/")
        while end > 0 and key[:end] not in self._prefix:
            end = key.rfind("/", 0, end)
        return key[: max(end, 0)]

    def _met(self, own: Sequence[int], inherited: Places) -> Places:
        """Join both lists for paths that are sure to match the paths of `own`."""
        own = self._first_to_sure(own)
        last = min(own[-1], inherited[-1]) if self._is_sure(own[-1]) else inherited[-1]
        # Cutting before joining saves time: many regexes may stand behind the last route.
        own, inherited = own[: bisect(own, last)], inherited[: bisect(inherited, last)]
        return _joined(own, inherited)

    def _first_to_sure(self, places: Sequence[int]) -> Places:
        """Cut the list after the first sure route: one with no condition, and found by its key."""
        for count, place in enumerate(places, 1):
            if self._is_sure(place):
                return tuple(places[:count])
        return tuple(places)

    def _is_sure(self, place: int) -> bool:
        if place == len(self._branches):
            return True
        path, conditional = self._branches[place]
        return path.kind is not PathKind.REGEX and not path.ignore_case and not conditional


def _joined(some: Sequence[int], more: Places) -> Places:
    return tuple(sorted((*some, *more))) if some else more
