"""A mistake in a user's object, as data.

A problem never stops another object and is never dropped: it is shown by `check`, `status`, the
log and, on Kubernetes, as an event of the object that it is about.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet.ref import Ref


class Severity(StrEnum):
    """Whether somebody has made a mistake, or is told what may be as it is meant to be."""

    WARNING = "warning"
    HINT = "hint"

    @property
    def event_type(self) -> str:
        """The type that its event has on Kubernetes."""
        return "Warning" if self is Severity.WARNING else "Normal"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding about one object.

    `reason` is one CamelCase word, as Kubernetes events have it. `key` is the annotation or the
    field's path (`spec.rules[0].http.paths[1].path`), "" for the whole object; `value` what stands
    there; `expected` completes the sentence "expected ..."; `effect` says what follows where that
    is not plain.

    `because` are the problems of other objects that this one follows from, and is no mistake of its
    own object: those objects are told, by one event and one line of the log, however many follow.
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
        """The sentence for people: key, value, what was expected, and what follows."""
        # An empty value is left out: of a Secret's it means that it is not to be seen.
        shown = repr(self.shown) if self.value else ""
        what = ": ".join(part for part in (self.key, shown) if part) or "the object"
        effect = f"; {self.effect}" if self.effect else ""
        return f"{what} (expected {self.expected}){effect}"


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems sorted as `sorted` has them, by comparisons in C: there may be very many."""
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
