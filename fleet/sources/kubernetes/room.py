"""How much one collection of an API server may hold."""

from typing import Final

from fleet.events import Refused, Upserted
from fleet.kubernetes.collection import Collection
from fleet.kubernetes.reflector import OverFull
from fleet.models import EndpointSlice, Pod
from fleet.ref import HUB
from fleet.sources.said import Outcome

MOST_MISTAKES: Final = 1000
"""Objects of a member with mistakes: Kubernetes lets none pass, and people read no more of them."""

_TEXT: Final = 1024
"""Bytes of text that count as much as an object."""

_SMALL: Final = 8
"""Labels, or ports, that count as much as an object."""


class Room:
    """Counts what a collection of an origin holds: objects, and what is large in them."""

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
    """What an object counts, by the memory that it takes: a plain one counts 1. Some 5 µs."""
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
