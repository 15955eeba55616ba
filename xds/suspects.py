"""Which resource of a rejected response is the bad one: halve the suspects until one is alone.

    NACK of 16 -> try 8: ACK -> try 4 of the others: NACK -> try 2: ACK -> try 1 of the others: NACK

The message often names nothing (`missing ]: [+`), so a resource is bad only if it was rejected
alone. Resources that the message names are tried first. Resources that are no suspects are sent
between the trials.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeAlias

_Group: TypeAlias = tuple[str, ...]
_NOBODY: Final[_Group] = ()


class Suspects:
    """The suspects of one type on one stream. A name takes 2 trials at most, mostly far fewer."""

    __slots__ = ("_certain", "_first_culprit", "_groups", "_on_trial", "_others_next")

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        """Groups of suspects; the last group is tried first."""

        self._on_trial: _Group = _NOBODY
        self._certain: _Group = _NOBODY
        """A group that holds a bad resource if the group on trial holds none."""

        self._first_culprit = True
        self._others_next = False

    def __bool__(self) -> bool:
        return bool(self._groups)

    def choose(self, names: Collection[str]) -> Collection[str]:
        """Of the names that could be sent now, those to send together; never none of some."""
        self._on_trial = _NOBODY
        if self._groups:
            suspected = {name for group in self._groups for name in group}
            others = [name for name in names if name not in suspected]
            if others and self._others_next:
                self._others_next = False
                return others
        while self._groups:
            group = self._groups.pop()
            present = tuple(name for name in group if name in names)
            if present:
                self._on_trial = present
                self._others_next = True
                return present
            if group == self._certain:
                self._certain = _NOBODY
        self._first_culprit = True
        return names

    def acquit(self) -> None:
        """Note that the response of the last choice was acknowledged."""
        if self._on_trial and self._certain and self._groups and self._groups[-1] == self._certain:
            self._split(self._groups.pop(), "")
        self._on_trial = _NOBODY

    def accuse(self, names: Sequence[str], message: str) -> None:
        """Note that the last response was rejected, and that one of these names is bad."""
        self._on_trial = _NOBODY
        self._split(tuple(names), message)

    def convict(self) -> None:
        """Note that the last response was rejected, and held one name only."""
        self._on_trial = self._certain = _NOBODY
        if self._first_culprit and self._groups:
            # Most often only one resource is bad, so the rest is tried together, once.
            self._first_culprit = False
            self._groups = [tuple(name for group in self._groups for name in group)]

    def _split(self, names: _Group, message: str) -> None:
        if len(names) < 2:
            self._groups.append(names)
            self._certain = _NOBODY
            return
        named = _named(names, message)
        if 0 < len(named) < len(names):
            told = set(named)
            first, second = named, tuple(name for name in names if name not in told)
        else:
            half = len(names) // 2
            first, second = names[:half], names[half:]
        self._groups += (second, first)
        self._certain = second


def _named(names: Iterable[str], message: str) -> _Group:
    return tuple(name for name in names if name in message)
