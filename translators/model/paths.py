"""Path matches: exact paths, prefixes and regexes."""

from dataclasses import dataclass
from enum import Enum


class PathKind(Enum):
    """The kind of a path match. Its value is its rank in the order of a host's rules."""

    EXACT = 0
    PREFIX = 1
    REGEX = 2


@dataclass(frozen=True, slots=True)
class Path:
    """A path match. A PREFIX matches by path element, and has no trailing slash unless it is "/".

    `value` is spelled as requests have it; `written` is the spelling of the Ingress where that
    differs. An `ambiguous` path contains `//`, `%2F` or `%5C`, which a backend may read as one
    slash. `instructions` is the cost of a REGEX (`translators.model.bounds`). A `short_only` REGEX
    is compared with short paths only, and does not match longer ones. With `ignore_case`, an exact
    path or a prefix matches in any case; a REGEX says so itself.
    """

    kind: PathKind
    value: str
    written: str = ""
    ambiguous: bool = False
    instructions: int = 0
    short_only: bool = False
    ignore_case: bool = False

    def __str__(self) -> str:
        return f"{self.kind.name.capitalize()} {self.written or self.value}"
