"""The numbers of scenarios, and their medians and quantiles."""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a scenario.

    `case` names the circumstances, such as "5000 hosts, idle". `runs` are the values of all runs
    in their order.
    """

    scenario: str
    case: str
    measure: str
    unit: str
    runs: tuple[float, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """The scenario, the case and the name, which identify a figure."""
        return self.scenario, self.case, self.measure

    @property
    def value(self) -> float:
        """The median of all runs."""
        return statistics.median(self.runs)


@dataclass(frozen=True, slots=True)
class Case:
    """Makes the figures of one case of a scenario."""

    scenario: str
    name: str

    def figure(self, measure: str, value: float, unit: str) -> Figure:
        """Make a figure from one number of one run."""
        return Figure(self.scenario, self.name, measure, unit, (value,))

    def waits(self, samples: Sequence[float]) -> Iterator[Figure]:
        """The median and the 99th percentile of milliseconds."""
        yield self.figure("median", quantile(samples, 0.5), "ms")
        yield self.figure("p99", quantile(samples, 0.99), "ms")


def quantile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all samples does not exceed.

    It is always one of the samples, never an interpolated value.
    """
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def merged(runs: Iterable[Iterable[Figure]]) -> tuple[Figure, ...]:
    """Merge the figures of several runs, in the order in which they first came."""
    held: dict[tuple[str, str, str], Figure] = {}
    for run in runs:
        for figure in run:
            before = held.get(figure.key)
            held[figure.key] = (
                replace(before, runs=(*before.runs, *figure.runs)) if before else figure
            )
    return tuple(held.values())


def by_case(figures: Iterable[Figure]) -> Mapping[tuple[str, str], Sequence[Figure]]:
    """Figures by scenario and case."""
    found: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        found.setdefault((figure.scenario, figure.case), []).append(figure)
    return found
