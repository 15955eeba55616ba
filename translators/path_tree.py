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

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from translators.model import Path, PathKind

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
        places = ground.starting(path)
        if (fewer := ground.split(path, len(places))) is None:
            prefixes[path] = places
            left -= len(places)
        else:
            at, below = fewer
            exact[path] = prefixes[f"{path}?"] = at
            if below:
                prefixes[f"{path}/"] = below
            left -= 2 * len(at) + len(below)
        if left < 0:
            return None
    return PathTree(exact, prefixes, ground.rest)


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
        self._below: dict[str, Places] = {"": self._cut(self.rest)}

    def starting(self, key: str) -> Places:
        """What may match paths that start with the key and with no longer path of the list."""
        inherited = self._under(self._above(key))
        own = [place for place in self._at(key) if place < inherited[-1]]
        return tuple(sorted((*own, *inherited))) if own else inherited

    def split(self, path: str, most: int) -> tuple[Places, Places] | None:
        """What may match at the path, and below it; None where that makes at least `most`."""
        deep = path in self._prefix
        if most <= 2 + deep:
            return None
        at = self._cut(sorted((*self._at(path), *self._under(self._above(path)))))
        below = self.starting(f"{path}/") if deep else ()
        return (at, below) if 2 * len(at) + len(below) < most else None

    def _at(self, path: str) -> list[int]:
        return self._exact.get(path, []) + self._prefix.get(path, [])

    def _above(self, key: str) -> str:
        """The longest prefix of the list that every path starting with the key is below."""
        end = key.rfind("/")
        while end > 0 and key[:end] not in self._prefix:
            end = key.rfind("/", 0, end)
        return key[: max(end, 0)]

    def _under(self, prefix: str) -> Places:
        """What may match below a prefix, whatever comes there; "" is the root."""
        unknown = []
        while prefix not in self._below:
            unknown.append(prefix)
            prefix = self._above(prefix)
        inherited = self._below[prefix]
        for longer in reversed(unknown):
            inherited = self._cut(sorted((*self._prefix[longer], *inherited)))
            self._below[longer] = inherited
        return inherited

    def _cut(self, places: Sequence[int]) -> Places:
        """End after the first route that matches all; the paths of all but regexes are met."""
        for count, place in enumerate(places, 1):
            if self._is_sure(place):
                return tuple(places[:count])
        return tuple(places)

    def _is_sure(self, place: int) -> bool:
        if place == len(self._branches):
            return True
        path, conditional = self._branches[place]
        return path.kind is not PathKind.REGEX and not conditional
