"""The vocabulary of a dialect: the annotations that it knows, with or without an effect.

An annotation with a prefix of the dialect that the dialect does not know is most likely misspelt.
It is reported, with the annotation that was probably meant.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.reader import FLEETGATE, Key
from translators.dialects.annotations.unsupported import Unsupported, Without

MAX_SUGGESTIONS: Final = 20
"""The bound on suggestions in one Ingress, because the search for one takes milliseconds."""

_LONGEST: Final = 100


class Met(NamedTuple):
    """An annotation of an Ingress that is known and has no effect.

    `reason` and `instead` are those of its row.
    """

    key: str
    value: str
    without: Without
    reason: str
    instead: str

    @property
    def consequence(self) -> str:
        """What follows from its absence, and the reason for that."""
        return explained(self.without.value, self.reason)


class Vocabulary:
    """The annotations of a dialect: those with an effect, and those that are only known."""

    def __init__(
        self, prefixes: tuple[str, ...], carried: Iterable[Key], unsupported: Iterable[Unsupported]
    ) -> None:
        rows = tuple(unsupported)
        self.prefixes = (*prefixes, FLEETGATE)
        keys = tuple(carried)
        self._carried = {s for key in keys if not key.family for s in self._own(key)}
        self._carried_families = {s for key in keys if key.family for s in self._own(key)}
        self._restricting = {s for key in keys if key.restricts for s in self._own(key)}
        singles = (row for row in rows if not row.family)
        self._rows = {
            s: row for row in singles for s in self._own(row.key) if s not in self._carried
        }
        families = (row for row in rows if row.family)
        self._families = {
            s: row
            for row in families
            for s in self._own(row.key)
            if s not in self._carried_families
        }

    def met(self, annotations: Mapping[str, str], unread: Iterable[str] = ()) -> Iterator[Met]:
        """Yield the annotations of an Ingress that ask for something without effect.

        The values of `unread` annotations are not known. They are taken to ask for something, and
        those of features that restrict access have no effect either.
        """
        for key, value in annotations.items():
            row = self._row_of(key)
            if row is not None and (without := row.without(value)) is not None:
                yield Met(key, value, without, row.reason, row.instead)
        for key in unread:
            row = self._row_of(key)
            if row is not None:
                yield Met(key, "", row.otherwise, row.reason, row.instead)
            elif key in self._restricting:
                yield Met(key, "", Without.CLOSED, "", "a text")

    def unknown(self, at: Ref, annotations: Mapping[str, str]) -> Iterator[Problem]:
        """Report annotations with a prefix of the dialect that it does not know."""
        strangers = [key for key in annotations if self._is_strange(key)]
        for number, key in enumerate(sorted(strangers)):
            meant = self._meant(key) if number < MAX_SUGGESTIONS else ""
            expected = meant or _some_other(key)
            value = annotations[key]
            yield Problem(at, "UnknownAnnotation", key, value, expected, "it has no effect")

    def _own(self, key: Key) -> Iterator[str]:
        return (spelling for spelling in key.spellings if spelling.startswith(self.prefixes))

    def _row_of(self, key: str) -> Unsupported | None:
        """Return the row of a key, which may be that of its family."""
        if not key.startswith(self.prefixes):
            return None
        return self._rows.get(key) or self._families.get(self._stem(key))

    def _stem(self, key: str) -> str:
        """Return the key of the family that a key belongs to; "" if there is none."""
        families = (*self._families, *self._carried_families)
        return next((s for s in families if key.startswith(s) and key != s), "")

    def _is_strange(self, key: str) -> bool:
        return (
            key.startswith(self.prefixes)
            and key not in self._carried
            and key not in self._rows
            and not self._stem(key)
        )

    def _meant(self, key: str) -> str:
        """Find the annotation that was probably meant: another prefix, or a similar name."""
        prefix, _, name = key.partition("/")
        known = {*self._carried, *self._rows}
        for other in self.prefixes:
            if other + name in known:
                return other + name
        names = {spelling.partition("/")[2] for spelling in known}
        close = difflib.get_close_matches(name[:_LONGEST].lower(), sorted(names), n=1, cutoff=0.75)
        spelt = [f"{prefix}/", *self.prefixes]
        return next((p + close[0] for p in spelt if p + close[0] in known), "") if close else ""


def explained(effect: str, reason: str) -> str:
    """Return an effect with its reason, if there is one."""
    return f"{effect}: {reason}" if reason else effect


def _some_other(key: str) -> str:
    if key.startswith(FLEETGATE):
        return f"an annotation of Ingresses; those of {FLEETGATE} are for gateways and members"
    return f"an annotation that is known under {key.partition('/')[0]}/"
