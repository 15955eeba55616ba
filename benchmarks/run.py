"""Runs the steps of all scenarios, in the order in which the load changes least."""

import tempfile
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.client import Client
from benchmarks.figures import Figure, merged
from benchmarks.machine import busy_cores, machine, versions
from benchmarks.progress import Progress
from benchmarks.results import Results
from benchmarks.scenarios.step import Scenario, Step, Unavailable
from tests.support.kube import clusters


@dataclass(frozen=True, slots=True)
class Planned:
    """A step of a scenario. `place` is the position of its figures among those of all steps."""

    place: int
    scenario: str
    step: Step


def planned(
    scenarios: Sequence[Scenario], sizes: Iterable[int], growth: int | None = None
) -> list[Planned]:
    """The steps of all scenarios, in the order in which they run.

    Scenarios that follow growth also have steps for `growth` hosts.
    """
    ordered = sorted(set(sizes))
    possible = [one for one in scenarios if ordered[-1] or not one.needs_hosts]
    larger = growth if growth is not None and growth > ordered[-1] else None
    steps = [
        (one.name, step)
        for one in possible
        for step in (*one.steps(ordered), *(one.growth(larger) if larger else ()))
    ]
    every = [Planned(place, *step) for place, step in enumerate(steps)]
    return sorted(every, key=lambda one: one.step.order)


def run(plan: Sequence[Planned], runs: int, client: Client, progress: Progress) -> Results:
    """Run each step some times. A step that fails is noted, and the others still run."""
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    found: dict[int, tuple[Figure, ...]] = {}
    notes: list[str] = []
    failures: list[str] = []
    progress.begin("looking whether the machine is quiet")
    before = busy_cores()
    with clusters() as servers, tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        bench = Bench(servers, client, Path(place), progress.say)
        progress.begin("preparing")
        bench.prepare()
        for number, one in enumerate(plan):
            progress.begin(f"[{number + 1}/{len(plan)}] {one.scenario}, {one.step.case}")
            try:
                found[one.place] = merged(_repeated(one.step, runs, bench, progress))
            except Unavailable as e:
                notes.append(f"{one.scenario}, {one.step.case}: {e}")
            except Exception as e:  # noqa: BLE001 (an error must not lose the figures of earlier steps)
                failures.append(f"{one.scenario}, {one.step.case}: {_last_line(e)}")
                progress.tell("".join(traceback.format_exception(e)))
                bench.forget()
    progress.end()
    figures = merged(found[place] for place in sorted(found))
    others = f"{before:.1f} cores before and {busy_cores():.1f} after"
    on = {**machine(), "busy with other things": others}
    return Results(at, on, versions(), figures, notes, failures)


def _repeated(
    step: Step, runs: int, bench: Bench, progress: Progress
) -> Iterable[tuple[Figure, ...]]:
    for number in range(runs):
        bench.have(step.load)
        if runs > 1:
            progress.say(f"run {number + 1} of {runs}")
        yield tuple(step.run(bench))


def _last_line(error: Exception) -> str:
    """The last line of an error's text, where a process that ended has its reason."""
    lines = [line.strip() for line in str(error).splitlines() if any(map(str.isalpha, line))]
    return lines[-1] if lines else type(error).__name__
