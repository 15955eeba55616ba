"""How much one collection of an API server may hold."""

from typing import Final

from fleet.events import Refused, Upserted
from fleet.kubernetes.collection import Collection
from fleet.kubernetes.reflector import OverFull
from fleet.models import EndpointSlice
from fleet.ref import HUB
from fleet.sources.said import Outcome

MOST_MISTAKES: Final = 1000
"""Objects of a member with mistakes: Kubernetes lets none pass, and people read no more of them."""


class Room:
    """Counts what a collection of an origin holds, in objects and endpoints of slices."""

    def __init__(self, collection: Collection, origin: str, most: int) -> None:
        self._collection = collection
        self._is_member = origin != HUB
        self._most = most
        self._held = 0
        self._mistaken = 0

    def skip(self) -> None:
        """Pass over something that has not even a name. Raises OverFull."""
        self._mistaken += 1
        self._check()

    def swap(self, before: Outcome, after: Outcome) -> None:
        """Have room for an object in place of what it was. Raises OverFull."""
        self._held += _weight(after) - _weight(before)
        if self._is_member:
            self._mistaken += _is_mistaken(after) - _is_mistaken(before)
        self._check()

    def _check(self) -> None:
        if self._held > self._most:
            raise OverFull(
                f"it holds more than {self._most} {self._collection}, endpoints included; "
                "that is more than fleetgate reads of one API server"
            )
        if self._mistaken > MOST_MISTAKES:
            raise OverFull(
                f"more than {MOST_MISTAKES} of its {self._collection} have mistakes; "
                "an API server of Kubernetes would not take them"
            )


def _weight(found: Outcome) -> int:
    """What an object counts: the endpoints are most of what is kept of a slice."""
    if found is None:
        return 0
    value = found.value if isinstance(found, Upserted) else None
    return 1 + (len(value.endpoints) if isinstance(value, EndpointSlice) else 0)


def _is_mistaken(found: Outcome) -> bool:
    return isinstance(found, Upserted | Refused) and bool(found.problems)
