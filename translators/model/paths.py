"""What the path of a request must be."""

from dataclasses import dataclass
from enum import Enum


class PathKind(Enum):
    """How a path matches; the value is the rank in a host's order of rules."""

    EXACT = 0
    PREFIX = 1
    REGEX = 2


@dataclass(frozen=True, slots=True)
class Path:
    """A path match. A PREFIX has no trailing slash but for "/", and matches by path element.

    `written` is what people know it by, where requests spell it otherwise. An `ambiguous` one has
    `//`, `%2F` or `%5C`, which a backend may read as one slash. `instructions` is what a REGEX
    costs (`translators.model.bounds`); one that is `short_only` is asked for short paths only.
    """

    kind: PathKind
    value: str
    written: str = ""
    ambiguous: bool = False
    instructions: int = 0
    short_only: bool = False

    def __str__(self) -> str:
        return f"{self.kind.name.capitalize()} {self.written or self.value}"
