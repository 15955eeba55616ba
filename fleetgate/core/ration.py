"""A ration of log lines for each object, so that a problem that comes and goes fills no log.

Within a spell, at most LINES lines about an object are logged, and none of them twice. The others
are counted, and one line tells their number when the spell is over. At most OBJECTS objects of one
kind and namespace have rations in a spell. All further ones share one count, since a user may make
any number of objects.
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
"""The length of a spell, in seconds. It begins with the first line about an object."""

LINES: Final = 20
"""The most lines about one object in a spell. `fleetgate status` shows all of its problems."""

OBJECTS: Final = 100
"""The most objects of one kind and namespace that have lines in a spell."""

_OTHERS: Final = "..."
"""The name of the objects that share one count. No object has it."""


@dataclass(slots=True)
class _Spell:
    """The lines about an object since `began`: those logged, and the number of those left out.

    `level` is the highest level of a line that was left out. `lines` is the most that are logged.
    """

    began: float
    lines: int
    logged: set[str] = field(default_factory=set)
    left_out: int = 0
    level: int = logging.NOTSET


class Ration:
    """Logs lines about objects.

    `clock` returns seconds. `now` returns words for the gap in the sentence "it has ... now".
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
        """Begin the spell of an object. Beyond OBJECTS it is one that it shares with others."""
        alike = _alike(at)
        if self._objects[alike] < OBJECTS:
            self._objects[alike] += 1
            spell = self._spells[at] = _Spell(self._clock(), LINES)
            return spell
        return self._spells.setdefault(at._replace(name=_OTHERS), _Spell(self._clock(), 0))

    def catch_up(self) -> None:
        """End the spells that are over, and log how many lines were left out of each.

        The cost is O(spells that are over).
        """
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
        """Call `catch_up` whenever a spell with lines left out is over, until cancelled."""
        while True:
            await self._left_out.wait()
            self._left_out.clear()
            await asyncio.sleep(SPELL)
            self.catch_up()


def _alike(at: Ref) -> tuple[str, str, str]:
    return at.origin, at.kind, at.namespace
