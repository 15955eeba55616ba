"""What a source has said so far, so that only differences go out."""

from collections.abc import Set
from typing import TypeAlias

from fleet.events import Deleted, Refused, Upserted
from fleet.parse import FILE
from fleet.ref import Ref

Outcome: TypeAlias = Upserted | Refused | None
"""What holds of an object now; `None` where it is not declared."""


class Said:
    """The last word on each object."""

    def __init__(self) -> None:
        self._last: dict[Ref, Upserted | Refused] = {}

    @property
    def refs(self) -> Set[Ref]:
        """The objects that were said to be there."""
        return self._last.keys()

    def last(self, ref: Ref) -> Outcome:
        """The last word on an object."""
        return self._last.get(ref)

    def differs(self, ref: Ref, outcome: Outcome) -> bool:
        """Whether `outcome` is not known yet."""
        return self._last.get(ref) != outcome

    def say(self, ref: Ref, outcome: Outcome) -> Upserted | Refused | Deleted | None:
        """The event that makes `outcome` known; None where it is known already."""
        before = self._last.get(ref)
        if before == outcome:
            return None
        if outcome is not None:
            self._last[ref] = outcome
            return outcome
        del self._last[ref]
        return Refused(ref, ()) if ref.kind == FILE else Deleted(ref)
