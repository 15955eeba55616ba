"""The results of a run, and their file, with which a later run can be compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.goals import goal_of


class Unreadable(Exception):
    """A file of results cannot be read. The text says why."""


@dataclass(frozen=True, slots=True)
class Results:
    """All figures of a run that began `at`.

    `notes` tell what this machine cannot measure, and `failures` which steps have failed.
    """

    at: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    failures: Sequence[str] = ()

    def dump(self) -> str:
        """The results as JSON."""
        figures = [_written(figure) for figure in self.figures]
        head = {"at": self.at, "machine": self.machine, "versions": self.versions}
        missing = {"notes": self.notes, "failures": self.failures}
        return json.dumps({**head, **missing, "figures": figures}, indent=1) + "\n"


def load(path: Path) -> Results:
    """Read the results of a former run. Raises Unreadable."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        figures = [_read(one) for one in read["figures"]]
        return Results(**{**read, "figures": figures})
    except OSError as e:
        raise Unreadable(f"{path} cannot be read: {e.strerror}.") from e
    except (ValueError, KeyError, TypeError) as e:
        raise Unreadable(f"{path} holds no results of these benchmarks: {e!r}.") from e


def _written(figure: Figure) -> Mapping[str, Any]:  # JSON
    what = dict(zip(("scenario", "case", "measure"), figure.key, strict=True))
    goal = goal_of(figure)
    judged = {"goal": goal.bound, "met": goal.met(figure.value)} if goal else {}
    return {**what, "unit": figure.unit, "value": figure.value, "runs": figure.runs, **judged}


def _read(one: Mapping[str, Any]) -> Figure:  # JSON
    runs = tuple(float(value) for value in one["runs"])
    if not runs:
        raise ValueError("a figure without a run")
    return Figure(one["scenario"], one["case"], one["measure"], one["unit"], runs)
