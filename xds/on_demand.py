"""Resources that are made when a client asks for their name.

A client may ask for names that nobody declares, such as the host names that its own clients send it
in TLS handshakes. A rule says which declared resource stands in for such a name. Its bytes are then
declared under the asked name too, so the name is served as all others are:

    ask(a.example.com) ──▶ stand_in ──▶ *.example.com ──▶ declare a.example.com ──▶ streams

What is declared anew or removed decides again about the made names.
Each made name costs memory in clients, and their clients may choose any number of names. So the
made names are bounded: the oldest one is removed for a new one, and a client that needs it again
asks again.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xds.resource import Resource, TypeUrl

MOST_MADE: Final = 2000
"""Names that are made in a group at a time."""

_Named = Mapping[str, Resource]


@dataclass(frozen=True, slots=True)
class StandIns:
    """The rule for one type.

    `choose` gives the declared name that stands in for another one, None if there is none.
    `rename` makes the resource for the other name. Names made from the declared name `last_resort`
    are removed before others.
    """

    choose: Callable[[str, Container[str]], str | None]
    rename: Callable[[Resource, str], Resource]
    last_resort: str
    most: int = MOST_MADE


NO_STAND_INS: Final[Mapping[TypeUrl, StandIns]] = MappingProxyType({})


class OnDemand:
    """The made names of one type in one group.

    Its methods give what is to be declared, and count on the caller to declare it.
    """

    def __init__(self, rule: StandIns) -> None:
        self._rule = rule
        self._sources: dict[str, str] = {}  # of each made name, oldest first
        self._made: dict[str, dict[str, None]] = {}  # of each source, oldest first

    def __contains__(self, name: str) -> bool:
        return name in self._sources

    def ask(self, names: Iterable[str], declared: _Named) -> Iterator[tuple[str, Resource | None]]:
        """Yield the resources of names that are asked for and not declared. O(names)."""
        for name in names:
            if name not in declared and (source := self._source(name, declared)):
                self._add(name, source)
                yield name, self._rule.rename(declared[source], name)
        while len(self._sources) > self._rule.most:
            yield self._evict(), None

    def follow(
        self, changed: Mapping[str, Resource | None], before: Container[str], declared: _Named
    ) -> Iterator[tuple[str, Resource | None]]:
        """Yield what becomes of made names by a change of declared ones.

        `before` are the names that were declared before the change. O(made names) if a name came or
        went, else O(names made from those that have changed).
        """
        taken_over = [name for name in changed if name in self._sources]
        for name in taken_over:
            self._drop(name)  # it is declared itself, or removed
        if taken_over or any((name in before) != (name in declared) for name in changed):
            affected = list(self._sources)
        else:
            affected = [made for name in changed for made in self._made.get(name, ())]
        for name in affected:
            source, was = self._source(name, declared), self._sources[name]
            if source is None:
                self._drop(name)
                yield name, None
            elif source != was or source in changed:
                self._move(name, source)
                yield name, self._rule.rename(declared[source], name)

    def _source(self, name: str, declared: _Named) -> str | None:
        """The declared name that stands in. A made name never does, so that there are no chains."""
        return self._rule.choose(name, _Without(declared, self._sources))

    def _add(self, name: str, source: str) -> None:
        self._sources[name] = source
        self._made.setdefault(source, {})[name] = None

    def _move(self, name: str, source: str) -> None:
        self._leave(name)
        self._add(name, source)

    def _drop(self, name: str) -> None:
        self._leave(name)
        del self._sources[name]

    def _leave(self, name: str) -> None:
        source = self._sources[name]
        made = self._made[source]
        del made[name]
        if not made:
            del self._made[source]

    def _evict(self) -> str:
        name = next(iter(self._made.get(self._rule.last_resort) or self._sources))
        self._drop(name)
        return name


@dataclass(frozen=True, slots=True)
class _Without:
    """The declared names without the made ones among them."""

    declared: Container[str]
    made: Container[str]

    def __contains__(self, name: object) -> bool:
        return name in self.declared and name not in self.made
