"""What a scenario is made of: steps, each of which needs a load and leaves one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench, Size
from benchmarks.figures import Figure


class Unavailable(Exception):
    """A step cannot run on this machine; str() says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement; `load` is there before it, `leaves` after it, if that is another one."""

    case: str
    load: Size
    run: Callable[[Bench], Iterable[Figure]]
    leaves: Size | None = None

    @property
    def order(self) -> tuple[int, bool]:
        """Steps in this order write and take away as little as can be."""
        return (self.leaves or self.load).hosts, self.leaves is None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something to measure; `steps` are made for the sizes of a run, the smallest first.

    `needs_hosts` tells that there is nothing to measure where the largest size is 0. `growth` makes
    the steps at a still larger size, for what is to be followed that far.
    """

    name: str
    about: str
    steps: Callable[[Sequence[int]], Iterable[Step]]
    needs_hosts: bool = False
    growth: Callable[[int], Iterable[Step]] = lambda _: ()
