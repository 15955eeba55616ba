"""A mistake in a user's object, as data.

A problem never affects another object and is never dropped. `fleetgate check`, `fleetgate status`
and the log show it, and on Kubernetes it becomes an event of the object.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet.ref import Ref


class Severity(StrEnum):
    """A warning is about a mistake; a hint is about something that may be intended."""

    WARNING = "warning"
    HINT = "hint"

    @property
    def event_type(self) -> str:
        """The `type` of the problem's event on Kubernetes."""
        return "Warning" if self is Severity.WARNING else "Normal"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding about one object.

    `reason` is one CamelCase word, as in events of Kubernetes. `key` is an annotation or the path
    of a field (`spec.rules[0].http.paths[1].path`), and "" for the whole object. `value` is the
    value that the object has there. `expected` completes the sentence "expected ...". `effect` says
    what follows from the mistake, if that is not obvious.

    `because` lists the problems of other objects that this one follows from. Such a problem is no
    mistake of its own object. It has no event and no line in the log; the problems in `because` do.
    """

    at: Ref
    reason: str
    key: str
    value: str
    expected: str
    effect: str = ""
    because: tuple["Problem", ...] = ()
    severity: Severity = Severity.WARNING

    @property
    def shown(self) -> str:
        """The value, cut to a length that fits a line."""
        return self.value if len(self.value) <= 120 else self.value[:117] + "..."

    @property
    def message(self) -> str:
        """One sentence with the key, the value, what was expected and the effect."""
        # The value is empty where it would show a Secret's bytes.
        shown = repr(self.shown) if self.value else ""
        what = ": ".join(part for part in (self.key, shown) if part) or "the object"
        effect = f"; {self.effect}" if self.effect else ""
        return f"{what} (expected {self.expected}){effect}"


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in the order of their fields.

    Comparing tuples instead of Problems is fast: it runs in C, and there may be very many.
    """
    return tuple(sorted(problems, key=_everything))


def _everything(problem: Problem) -> tuple[object, ...]:
    return (
        problem.at,
        problem.reason,
        problem.key,
        problem.value,
        problem.expected,
        problem.effect,
        problem.because,
        problem.severity,
    )
