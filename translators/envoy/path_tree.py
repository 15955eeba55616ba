"""A long list of routes as a tree over the path, in which Envoy finds a route at once.

A list is asked from top to bottom, about 20 ns a route. A tree (`VirtualHost.matcher`) finds the
longest key that `:path` starts with, and asks what stands below that key alone:

    list                  tree
    Prefix /shop/cart  a  /shop/cart   a, b
    Prefix /shop       b  /shop        b, c, 404
    regex              c  (no key)     c, 404
    (the rest)       404

There is no way back from a key to a shorter one: Envoy takes any list below a key for a match. So
what stands there is complete: every route that may match below the key, in the list's order, cut
after the first that surely does. `/shop` is also met by `/shopping`, hence the `c, 404`.

Where that is much (many regexes, a canary on `/`), three keys that end where the path does need
fewer routes, because only what `/shop` serves itself can follow:

    /shop (exactly)  b        /shop? (with a query)  b        /shop/ (below)  b

`:path` carries the query but no fragment: Envoy refuses requests with one. Case counts.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from translators.model.paths import Path, PathKind

MOST_COPIES: Final = 8
"""A list stays a list where its tree would hold this many times the routes. This happens to hosts
where conditions stand on most rules: what may match below a key then includes shorter paths and all
regexes, and the tree would grow with the product of paths and regexes."""

Places: TypeAlias = tuple[int, ...]
"""Routes by their places in the list, ascending."""


class Branch(NamedTuple):
    """What a route of the list asks for: its path, and whether anything else."""

    path: Path
    conditional: bool


@dataclass(frozen=True, slots=True)
class PathTree:
    """Which routes are asked for a request.

    Those of the key in `exact` that equals its `:path`, else of the longest key in `prefixes` that
    `:path` starts with, else `rest`.
    """

    exact: Mapping[str, Places]
    prefixes: Mapping[str, Places]
    rest: Places

    @property
    def size(self) -> int:
        """How many routes Envoy keeps for it."""
        lists = (*self.exact.values(), *self.prefixes.values(), self.rest)
        return sum(len(places) for places in lists)


def grow(branches: Sequence[Branch]) -> PathTree | None:
    """The tree that chooses as the list does; None where the list had better stay a list.

    The list has one more route at its end, which takes every request.
    Costs O(n) for paths of bounded depth, and stops where the tree becomes too large.
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
    # Without a key it is the same list; Envoy refuses an empty map.
    return PathTree(exact, prefixes, ground.rest) if prefixes else None


_FEW: Final = 3
"""Routes below one key; three keys have no fewer."""


class _Ground:
    """The routes of a list by their paths."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self._branches = branches
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._prefix: dict[str, list[int]] = defaultdict(list)
        anywhere: list[int] = []
        for place, (path, _) in enumerate(branches):
            if path.kind is PathKind.EXACT:
                self._exact[path.value].append(place)
            elif path.kind is PathKind.PREFIX and path.value != "/":
                self._prefix[path.value].append(place)
            else:
                anywhere.append(place)
        self.paths = {**self._exact, **self._prefix}.keys()
        # Not cut after "/": a path such as that of `OPTIONS *` starts with no slash.
        self.rest = (*anywhere, len(branches))
        self._under: dict[str, Places] = {"": self._first_to_sure(self.rest)}

    def starting(self, key: str) -> tuple[Sequence[int], Places]:
        """What may match paths that start with the key, and with no longer path of the list.

        In two parts: the routes of this very path, and those of shorter ones, which match all.
        """
        inherited = self._inherited(key)
        return [place for place in self._own(key) if place < inherited[-1]], inherited

    def at(self, path: str) -> Places:
        """What may match the path itself."""
        return self._met(sorted(self._own(path)), self._inherited(path))

    def below(self, path: str) -> Places:
        """What may match below it, where one of its routes may; else ()."""
        return _joined(*self.starting(f"{path}/")) if path in self._prefix else ()

    def _own(self, path: str) -> Sequence[int]:
        return (*self._exact.get(path, ()), *self._prefix.get(path, ()))

    def _inherited(self, key: str) -> Places:
        """What may match all paths that start with the key, whatever comes there."""
        unknown = []
        while (prefix := self._above(key)) not in self._under:
            unknown.append(prefix)
            key = prefix
        inherited = self._under[prefix]
        for longer in reversed(unknown):
            inherited = self._under[longer] = self._met(self._prefix[longer], inherited)
        return inherited

    def _above(self, key: str) -> str:
        """The longest prefix of the list that every path starting with the key is below, or ""."""
        end = key.rfind("/")
        while end > 0 and key[:end] not in self._prefix:
            end = key.rfind("/", 0, end)
        return key[: max(end, 0)]

    def _met(self, own: Sequence[int], inherited: Places) -> Places:
        """Both together, for paths that are sure to meet those of `own`."""
        own = self._first_to_sure(own)
        last = min(own[-1], inherited[-1]) if self._is_sure(own[-1]) else inherited[-1]
        # What is behind the last may be long, as regexes are behind prefixes.
        own, inherited = own[: bisect(own, last)], inherited[: bisect(inherited, last)]
        return _joined(own, inherited)

    def _first_to_sure(self, places: Sequence[int]) -> Places:
        """End after the first route that takes all whose paths it meets."""
        for count, place in enumerate(places, 1):
            if self._is_sure(place):
                return tuple(places[:count])
        return tuple(places)

    def _is_sure(self, place: int) -> bool:
        if place == len(self._branches):
            return True
        path, conditional = self._branches[place]
        return path.kind is not PathKind.REGEX and not conditional


def _joined(some: Sequence[int], more: Places) -> Places:
    return tuple(sorted((*some, *more))) if some else more
