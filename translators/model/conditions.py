"""What a request must have beside its path."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Text:
    """A match of one text: equal, or as an RE2 regex against the whole of it.

    A regex is a user's pattern; `instructions` is what it costs (`translators.model.bounds`).
    """

    value: str
    regex: bool = False
    instructions: int = 0


class Where(Enum):
    """The part of a request that a condition looks at."""

    HEADER = "header"
    QUERY = "query"
    COOKIE = "cookie"
    METHOD = "method"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something a request must have: one of `values` in the named place.

    `name` is the header's, query parameter's or cookie's, "" for METHOD. The conditions of a rule
    are ANDed.
    """

    where: Where
    name: str
    values: tuple[Text, ...]

    @property
    def instructions(self) -> int:
        """What its patterns cost."""
        return sum(text.instructions for text in self.values)
