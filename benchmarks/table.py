"""Formats results as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.figures import Figure, by_case
from benchmarks.goals import GOALS, Goal, goal_of
from benchmarks.results import Results

NOISE: Final = 0.1
"""The share by which two runs on one machine differ without a cause."""

_LARGER: Final = {
    "B": ((2**20, "MiB"), (2**10, "KiB")),
    "MiB": ((2**10, "GiB"),),
    "ms": ((1e3, "s"),),
}


def tables(results: Results, about: Mapping[str, str]) -> str:
    """A table for each scenario, with its description and with the goals of its figures."""
    parts = [_head(results)]
    for scenario in dict.fromkeys(figure.scenario for figure in results.figures):
        mine = [figure for figure in results.figures if figure.scenario == scenario]
        parts.append(f"### {scenario}\n\n{about.get(scenario, scenario)}\n\n{_table(mine)}")
    for title, lines in (("Not measured here", results.notes), ("Failed", results.failures)):
        if lines:
            parts.append(f"{title}:\n\n" + "".join(f"- {line}\n" for line in lines))
    return "\n".join(parts)


def compared(before: Results, now: Results) -> str:
    """A table of the figures that differ from earlier results by more than noise."""
    earlier = {figure.key: figure for figure in before.figures}
    rows = [
        (figure.scenario, figure.case, figure.measure, _shown(was), _shown(figure), change)
        for figure in now.figures
        if (was := earlier.get(figure.key)) and (change := _change(was.value, figure.value))
    ]
    gone = sorted({key[0] for key in earlier.keys() - {f.key for f in now.figures}})
    text = f"## Compared with {before.at} ({before.versions.get('commit', 'unknown')})\n\n"
    if rows:
        text += _markdown(("scenario", "case", "measure", "before", "now", "change"), rows)
    else:
        text += f"Nothing differs by more than {NOISE:.0%}.\n"
    return text + (
        f"\nOnly measured before, in part or whole: {', '.join(gone)}.\n" if gone else ""
    )


def _head(results: Results) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    versions = ", ".join(f"{name} {value}" for name, value in results.versions.items())
    judged = [(figure, goal) for figure in results.figures if (goal := goal_of(figure))]
    met = sum(goal.met(figure.value) for figure, goal in judged)
    lines = [f"Measured {results.at}. Machine: {machine}.", f"Versions: {versions}."]
    lines.append(f"{met} of {len(judged)} goals are met.")
    if without := _without_figure(results.figures):
        lines.append(f"Goals that this run did not measure: {'; '.join(without)}.")
    return "\n".join(lines) + "\n"


def _without_figure(figures: Sequence[Figure]) -> Sequence[str]:
    """The goals of measured scenarios for which no figure was measured, such as other sizes."""
    measured, scenarios = {f.key for f in figures}, {f.scenario for f in figures}
    return [", ".join(key) for key in GOALS if key[0] in scenarios and key not in measured]


def _table(figures: Sequence[Figure]) -> str:
    measures = list(dict.fromkeys(figure.measure for figure in figures))
    rows = []
    for (_, case), held in by_case(figures).items():
        cells = {figure.measure: _judged(figure) for figure in held}
        rows.append((case, *(cells.get(measure, "") for measure in measures)))
    return _markdown(("", *measures), rows)


def _judged(figure: Figure) -> str:
    goal = goal_of(figure)
    return _shown(figure) + (f" ({_verdict(figure, goal)})" if goal else "")


def _verdict(figure: Figure, goal: Goal) -> str:
    bound = shown(goal.bound, figure.unit)
    wanted = f"at least {bound}" if goal.at_least else bound
    return f"goal {wanted}: {'met' if goal.met(figure.value) else '**missed**'}"


def _shown(figure: Figure) -> str:
    spread = ""
    if len(figure.runs) > 1:
        low, high = min(figure.runs), max(figure.runs)
        spread = f" [{shown(low, figure.unit)} to {shown(high, figure.unit)}]"
    return shown(figure.value, figure.unit) + spread


def shown(value: float, unit: str) -> str:
    """A value with three digits, in a suitable unit."""
    for factor, larger in _LARGER.get(unit, ()):
        if abs(value) >= factor:
            value, unit = value / factor, larger
            break
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def _change(before: float, now: float) -> str:
    """The relative difference between two values, "" if it is noise."""
    if before == now or (before and abs(now - before) <= NOISE * abs(before)):
        return ""
    return f"{(now - before) / before:+.0%}" if before else "was nothing"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
