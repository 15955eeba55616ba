"""Reads the lines of a watch."""

from dataclasses import dataclass
from enum import Enum

from fleet.kubernetes.connection import Json, read_json


class ChangeType(Enum):
    """The type of a line of a watch. A bookmark has no object, only the watch's position."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a watch. Another watch can go on from `position`."""

    type: ChangeType
    value: Json
    position: str


class GarbledLine(ValueError):
    """A line is no event of a watch, so it is not known which object it was about."""


class WatchError(Exception):
    """An event ends a watch with an error. The text is the server's, and may have credentials."""

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
        # The line may be about a Secret, so the message quotes nothing of it.
        raise GarbledLine(f"a line of {len(line)} bytes is no watch event") from e
