"""The identity of an object of the fleet."""

from typing import Final, NamedTuple

HUB: Final = ""
"""The origin of objects on the hub. Every other origin is a member's ID."""


class Ref(NamedTuple):
    """The name of one object in the fleet; `namespace` is "" if the kind has none.

    It is a tuple because Refs are hashed all the time, and tuples are hashed in C.
    """

    origin: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {path}" + (f" in {self.origin}" if self.origin else "")
