"""Fields of an AlbConfig's listener are read: a default stands in for a value that is unusable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from fleet.models import AsWritten
from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.reader import Unusable

T = TypeVar("T")

NOT_SERVED: Final = "this listener is not served"


@dataclass(frozen=True, slots=True)
class ListenerFields:
    """Reads the fields of one listener of the gateway `ref`. `problems` collects the mistakes."""

    ref: Ref
    where: str
    problems: list[Problem]

    def read(
        self,
        name: str,
        value: AsWritten | None,
        parse: Callable[[str], T],
        default: T,
        shown: str,
    ) -> T:
        """Parse a field, or give the default if the field is absent, empty or unusable.

        `shown` is the default as the problem of an unusable value names it.
        """
        text = "" if value is None else str(value).strip()
        try:
            return parse(text) if text else default
        except Unusable as e:
            self.report("InvalidField", name, text, e.expected, e.effect or f"{shown} holds")
            return default

    def report(self, reason: str, name: str, value: object, expected: str, effect: str) -> None:
        """Note what is wrong with a field."""
        key = f"{self.where}.{name}"
        self.problems.append(Problem(self.ref, reason, key, str(value), expected, effect))
