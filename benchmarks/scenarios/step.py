"""Scenarios, and their steps, each of which needs a load and may leave another one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench, Size
from benchmarks.figures import Figure


class Unavailable(Exception):
    """A step cannot run on this machine. The text says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement. It needs `load`, and leaves `leaves` if that is another one."""

    case: str
    load: Size
    run: Callable[[Bench], Iterable[Figure]]
    leaves: Size | None = None

    @property
    def order(self) -> tuple[int, bool]:
        """A sort key: in this order, the steps write and delete the fewest objects."""
        return (self.leaves or self.load).hosts, self.leaves is None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A measurement at several sizes. `steps` makes its steps for the sizes, the smallest first.

    With `needs_hosts`, it has nothing to measure if the largest size is 0. `growth` makes the steps
    for one more, larger size, in scenarios that follow growth that far.
    """

    name: str
    about: str
    steps: Callable[[Sequence[int]], Iterable[Step]]
    needs_hosts: bool = False
    growth: Callable[[int], Iterable[Step]] = lambda _: ()
