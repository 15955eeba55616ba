"""Bounds how much one collection of an API server may hold."""

from typing import Final

from fleet.events import Refused, Upserted
from fleet.kubernetes.collection import Collection
from fleet.kubernetes.reflector import OverFull
from fleet.models import EndpointSlice, Pod
from fleet.ref import HUB
from fleet.sources.emitted import Outcome

MOST_MISTAKES: Final = 1000
"""Objects with mistakes that one collection of a member may hold.

An API server of Kubernetes accepts none of them, and nobody would read more problems than these.
"""

_TEXT: Final = 1024
"""Bytes of an object's JSON that count as one more object."""

_SMALL: Final = 8
"""Labels, or ports, of an object that count as one more object."""


class Room:
    """Counts the objects of one collection by weight, and those with mistakes."""

    def __init__(self, collection: Collection, origin: str, most: int) -> None:
        self._collection = collection
        self._is_member = origin != HUB
        self._most = most
        self._held = 0
        self._mistaken = 0

    def skip(self) -> None:
        """Count an item without a valid name as a mistake. Raises OverFull."""
        self._mistaken += 1
        self._check()

    def swap(self, before: Outcome, after: Outcome) -> None:
        """Count an object's new version in place of the one before. Raises OverFull."""
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
    """The weight of an object, which grows with its memory; a small one weighs 1. About 5 µs."""
    if not isinstance(found, Upserted):
        return 0 if found is None else 1
    value = found.value
    parts = 1 + len(value.model_dump_json()) // _TEXT
    if isinstance(value, EndpointSlice):
        parts += sum(max(1, len(endpoint.addresses)) for endpoint in value.endpoints)
        parts += len(value.ports) // _SMALL
    if isinstance(value, EndpointSlice | Pod):
        parts += len(value.metadata.labels) // _SMALL
    return parts


def _is_mistaken(found: Outcome) -> bool:
    return isinstance(found, Upserted | Refused) and bool(found.problems)
