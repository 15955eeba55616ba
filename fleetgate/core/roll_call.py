"""The origins that have to answer before anything is published."""

from collections.abc import Iterable

from fleet.events import Configured, Event, Listed, Members, Unreachable
from fleet.ref import HUB


class RollCall:
    """The origins that events have named before the start, and those that have answered.

    It is kept event by event: a search through all events of a large fleet would be slow.
    """

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._answered: set[str] = set()
        self._has_hub = False
        self._remembers_hub = False

    def note(self, events: Iterable[Event]) -> None:
        """Take in the events of a source. O(events)."""
        for event in events:
            match event:
                case Listed(origin):
                    self._has_hub |= origin == HUB
                    self._answer(origin)
                case Unreachable(origin, _, since):
                    # Without `since`, nothing is remembered of the hub, and its first lists have
                    # failed: the objects that are known may be a part of those that it has.
                    self._remembers_hub |= origin == HUB and since is not None
                    self._answer(origin)
                case Members(ids):
                    self._named = (self._named & {HUB}) | ids  # other members no longer exist
                case Configured():
                    pass
                case _:
                    self._named.add(event.ref.origin)

    def _answer(self, origin: str) -> None:
        self._named.add(origin)
        self._answered.add(origin)

    @property
    def knows_hub(self) -> bool:
        """Whether the hub has listed, or is away while its objects are remembered."""
        return self._has_hub or self._remembers_hub

    @property
    def is_complete(self) -> bool:
        """Whether the hub is known, and every named origin has listed or is out of reach."""
        return self.knows_hub and self._named <= self._answered

    @property
    def missing(self) -> list[str]:
        """The origins that have neither listed nor are known to be out of reach."""
        return sorted(self._named - self._answered)
