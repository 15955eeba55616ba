"""The identity of an object of the fleet."""

from typing import Final, NamedTuple

HUB: Final = ""
"""The origin of what is declared on the hub; every other origin is a member's ID."""


class Ref(NamedTuple):
    """One object: where it lives, its kind, namespace ("" where the kind has none) and name.

    A tuple, because Refs are hashed all the time, and tuples are hashed by C.
    """

    origin: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {path}" + (f" in {self.origin}" if self.origin else "")
