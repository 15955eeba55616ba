"""Who has to speak before anything is published: kept event by event, as a fleet is large."""

from collections.abc import Iterable

from fleet.events import Confined, Event, Listed, Members, Unreachable
from fleet.ref import HUB


class RollCall:
    """The origins that were named before the start, and those that have answered."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._answered: set[str] = set()
        self._has_hub = False
        self._remembers_hub = False

    def note(self, events: Iterable[Event]) -> None:
        """Take in what a source says. O(events)."""
        for event in events:
            match event:
                case Listed(origin):
                    self._has_hub |= origin == HUB
                    self._answer(origin)
                case Unreachable(origin, _, since):
                    # Without a time it was not known before: what was said of it may be a part.
                    self._remembers_hub |= origin == HUB and since is not None
                    self._answer(origin)
                case Members(ids):
                    self._named = (self._named & {HUB}) | ids  # others are remembered, and gone
                case Confined():
                    pass
                case _:
                    self._named.add(event.ref.origin)

    def _answer(self, origin: str) -> None:
        self._named.add(origin)
        self._answered.add(origin)

    @property
    def knows_hub(self) -> bool:
        """Whether the hub has listed, or what it held before is remembered while it cannot."""
        return self._has_hub or self._remembers_hub

    @property
    def is_complete(self) -> bool:
        """Whether the hub is known, and every origin that is named has listed or cannot."""
        return self.knows_hub and self._named <= self._answered

    @property
    def missing(self) -> list[str]:
        """The origins that have neither listed nor said that they cannot."""
        return sorted(self._named - self._answered)
