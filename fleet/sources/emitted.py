"""Remembers what a source has emitted so far, so that it emits only differences."""

from collections.abc import Set
from typing import TypeAlias

from fleet.events import Deleted, Refused, Upserted
from fleet.parse import FILE
from fleet.ref import Ref

Outcome: TypeAlias = Upserted | Refused | None
"""The outcome of reading an object; None if it is not declared."""


class Emitted:
    """The last outcome that was emitted of each object."""

    def __init__(self) -> None:
        self._last: dict[Ref, Upserted | Refused] = {}

    @property
    def refs(self) -> Set[Ref]:
        """The objects whose last outcome is not None."""
        return self._last.keys()

    def last(self, ref: Ref) -> Outcome:
        """The last outcome of an object."""
        return self._last.get(ref)

    def differs(self, ref: Ref, outcome: Outcome) -> bool:
        """Whether `outcome` differs from the last one."""
        return self._last.get(ref) != outcome

    def update(self, ref: Ref, outcome: Outcome) -> Upserted | Refused | Deleted | None:
        """Note an outcome, and give the event for it; None if it is equal to the last one."""
        before = self._last.get(ref)
        if before == outcome:
            return None
        if outcome is not None:
            self._last[ref] = outcome
            return outcome
        del self._last[ref]
        return Refused(ref, ()) if ref.kind == FILE else Deleted(ref)
