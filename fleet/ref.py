"""The identity of an object of the fleet."""

from dataclasses import dataclass
from typing import Final

HUB: Final = ""
"""The origin of what is declared on the hub; every other origin is a member's ID."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object: where it lives, its kind, namespace ("" where the kind has none) and name."""

    origin: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {path}" + (f" in {self.origin}" if self.origin else "")
