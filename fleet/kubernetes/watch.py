"""The lines of a watch."""

from dataclasses import dataclass
from enum import Enum

from fleet.kubernetes.connection import Json, read_json


class ChangeType(Enum):
    """What has become of an object. A bookmark is none: it only says how far the watch is."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a watch; the watch can go on from `position`."""

    type: ChangeType
    value: Json
    position: str


class GarbledLine(ValueError):
    """A line that is no event of a watch; what it was about is not known."""


class WatchError(Exception):
    """An event that ends a watch; the text is what the server says."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_change(line: bytes) -> Change:
    """Read a line. Raises GarbledLine and WatchError. O(line)."""
    try:
        event = read_json(line)
        kind, value = event["type"], event["object"]
        if kind == "ERROR":
            raise WatchError(int(value.get("code") or 0), str(value.get("message") or ""))
        return Change(ChangeType(kind), value, str(value["metadata"]["resourceVersion"]))
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        # The line may be a Secret's: only its shape is told.
        raise GarbledLine(f"a line of {len(line)} bytes is no watch event") from e
