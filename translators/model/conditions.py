"""Conditions: headers, query parameters, cookies, methods and clients that a rule asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from translators.model.bounds import CONDITION_TEXT_OF_RULE


@dataclass(frozen=True, slots=True)
class Text:
    """A text to compare with: an equal text, or an RE2 regex that matches the whole text.

    With `prefix`, the value begins with the text. `instructions` is the cost of a regex that a user
    wrote (`translators.model.bounds`).
    """

    value: str
    regex: bool = False
    instructions: int = 0
    prefix: bool = False


class Where(Enum):
    """The part of a request that a condition looks at."""

    HEADER = "header"
    QUERY = "query"
    COOKIE = "cookie"
    METHOD = "method"
    CLIENT = "client"
    """The client's address. The values are networks."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a request that must equal or match one of `values`.

    `name` is the name of the header, query parameter or cookie, and "" for others. The name of a
    pseudo header begins with a colon. A request must meet all conditions of a rule.
    """

    where: Where
    name: str
    values: tuple[Text, ...]

    @property
    def instructions(self) -> int:
        """The instructions of all its patterns together."""
        return sum(text.instructions for text in self.values)

    @property
    def size(self) -> int:
        """The bytes of all its values together."""
        return sum(len(text.value.encode()) for text in self.values)


def surcharge(conditions: Iterable[Condition]) -> int:
    """Return for how many rules more a rule counts, because of the values of its conditions."""
    size = sum(condition.size for condition in conditions)
    return max(0, size - 1) // CONDITION_TEXT_OF_RULE


def in_order(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Sort the conditions of a rule: equal ones in another order are no other conditions."""
    return tuple(sorted(conditions, key=_order))


def _order(condition: Condition) -> tuple[str, str, str]:
    return condition.where.value, condition.name, str(condition.values)
