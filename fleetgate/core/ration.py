"""A ration of log lines for each object: one that comes and goes does not fill the log.

A line is logged when it is said for the first time within a spell, up to a number of lines. The
rest is counted, and told in one line when the spell is over. So many objects of one kind have lines
in a namespace; those beyond share one count: who may make objects may make any number of them.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fleet.ref import Ref

log = logging.getLogger(__name__)

SPELL: Final = 60.0
"""Seconds in which no line about an object is logged twice."""

LINES: Final = 20
"""Lines about one object in a spell; `fleetgate status` has all of its problems."""

OBJECTS: Final = 100
"""Objects of one kind that have lines in a namespace, in a spell."""

_OTHERS: Final = "..."
"""No name of an object."""


@dataclass(slots=True)
class _Spell:
    """What was logged of an object since `began`, how much was not, and how loud that was."""

    began: float
    lines: int
    logged: set[str] = field(default_factory=set)
    left_out: int = 0
    level: int = logging.NOTSET


class Ration:
    """Logs lines about objects.

    `clock` gives seconds. `now` completes the sentence "it has ... now" about an object.
    """

    def __init__(self, clock: Callable[[], float], now: Callable[[Ref], str]) -> None:
        self._clock = clock
        self._now = now
        self._spells: dict[Ref, _Spell] = {}  # in the order in which they began
        self._objects: Counter[tuple[str, str, str]] = Counter()
        self._left_out = asyncio.Event()

    def say(self, at: Ref, level: int, line: str) -> None:
        """Log a line about an object, or count it."""
        self.catch_up()
        spell = self._spells.get(at) or self._begin(at)
        if line in spell.logged or len(spell.logged) == spell.lines:
            spell.left_out += 1
            spell.level = max(spell.level, level)
            self._left_out.set()
            return
        spell.logged.add(line)
        log.log(level, "%s: %s", at, line)

    def _begin(self, at: Ref) -> _Spell:
        """The spell of an object that has none yet: its own, or the one that it shares."""
        alike = _alike(at)
        if self._objects[alike] < OBJECTS:
            self._objects[alike] += 1
            spell = self._spells[at] = _Spell(self._clock(), LINES)
            return spell
        return self._spells.setdefault(at._replace(name=_OTHERS), _Spell(self._clock(), 0))

    def catch_up(self) -> None:
        """Tell what was left out in the spells that are over. O(those)."""
        over = self._clock() - SPELL
        while self._spells:
            at, spell = next(iter(self._spells.items()))
            if spell.began > over:
                return
            del self._spells[at]
            if not spell.lines:
                log.log(
                    spell.level,
                    "%s: left out %d lines of %g s about more than %d objects; `fleetgate status` "
                    "shows what is wrong with them",
                    at,
                    spell.left_out,
                    SPELL,
                    OBJECTS,
                )
                continue
            self._end(_alike(at))
            if spell.left_out:
                log.log(
                    spell.level,
                    "%s: left out %d more lines of %g s, its problems come and go; it has %s now",
                    at,
                    spell.left_out,
                    SPELL,
                    self._now(at),
                )

    def _end(self, alike: tuple[str, str, str]) -> None:
        self._objects[alike] -= 1
        if not self._objects[alike]:
            del self._objects[alike]

    async def run(self) -> None:
        """Catch up when it is time, until cancelled."""
        while True:
            await self._left_out.wait()
            self._left_out.clear()
            await asyncio.sleep(SPELL)
            self.catch_up()


def _alike(at: Ref) -> tuple[str, str, str]:
    return at.origin, at.kind, at.namespace
