"""What a stream sends next: Secrets, then the types that go make before break, then the others.

1. Secrets that are added or changed, before what uses them
2. what the cycle says (xds.cycle): Clusters, Listeners and routes, stage by stage
3. endpoints, types that are no resource of Envoy's configuration, and removals of endpoints
   and Secrets whose turn in the cycle has come
"""

from collections.abc import Iterable, Mapping
from typing import Final

from xds.changes import Changes
from xds.cycle import IN_CYCLE, REMOVED_LAST, Cycle
from xds.holdings import Flight
from xds.resource import TypeUrl
from xds.snapshot import Snapshot
from xds.subscription import Subscription

_FIRST: Final = (TypeUrl.SECRET,)


class Schedule:
    """The order of one stream's responses. It sends nothing itself; the stream reports to it."""

    __slots__ = ("_cycle", "_endpoint_wait", "_snapshot", "_subscriptions")

    def __init__(
        self,
        subscriptions: Mapping[str, Subscription],
        snapshot: Snapshot,
        *,
        endpoint_wait: float,
    ) -> None:
        self._subscriptions = subscriptions
        self._snapshot = snapshot
        self._endpoint_wait = endpoint_wait
        self._cycle: Cycle | None = None

    @property
    def deadline(self) -> float | None:
        """When to call `next` even if nothing has happened until then."""
        return self._cycle.deadline if self._cycle else None

    def next(self, now: float) -> tuple[Subscription, Changes] | None:
        """What to send in one response now; None if nothing is to be sent."""
        return (
            self._next_outside_cycle(_FIRST)
            or self._next_in_cycle(now)
            or self._next_outside_cycle(self._subscriptions)
        )

    def _next_in_cycle(self, now: float) -> tuple[Subscription, Changes] | None:
        while cycle := self._cycle or Cycle.begin(
            self._subscriptions, self._snapshot, endpoint_wait=self._endpoint_wait
        ):
            self._cycle = cycle
            found = cycle.next(now)
            if found or not cycle.done:
                return found
            self._cycle = None
        return None

    def _next_outside_cycle(self, types: Iterable[str]) -> tuple[Subscription, Changes] | None:
        for type_url in types:
            subscription = self._subscriptions.get(type_url)
            if type_url in IN_CYCLE or subscription is None or subscription.flight:
                continue
            changes = self._changes(subscription)
            if changes or subscription.answer_due:
                return subscription, subscription.choose(changes)
        return None

    def _changes(self, subscription: Subscription) -> Changes:
        """The changes of a type that may be sent in any stage."""
        if subscription.type_url not in REMOVED_LAST:
            return subscription.changes()
        changes = subscription.urgent()
        if self._cycle and (released := self._cycle.released(subscription.type_url)):
            return Changes({**changes, **released})
        return changes

    def sent(self, type_url: str, flight: Flight) -> None:
        """Note that a response was sent."""
        if self._cycle:
            self._cycle.sent(type_url, flight)

    def acknowledged(self, type_url: str, flight: Flight) -> None:
        """Note that a response was acknowledged."""
        if self._cycle:
            self._cycle.acknowledged(type_url, flight)

    def rejected(self, type_url: str, flight: Flight) -> None:
        """Note that a response was rejected."""
        if self._cycle:
            self._cycle.rejected(type_url, flight)

    def unclear(self) -> Mapping[str, frozenset[str]]:
        """By type, the names that the client's next stream has to be told in any case."""
        found = {
            type_url: subscription.doubtful()
            for type_url, subscription in self._subscriptions.items()
        }
        if endpoints := self._subscriptions.get(TypeUrl.ENDPOINT):
            # A Cluster may still warm without these, though the client has them from before.
            in_flight = endpoints.flight.sent if endpoints.flight else ()
            awaited = self._cycle.awaited if self._cycle else ()
            found[TypeUrl.ENDPOINT] |= {*in_flight, *awaited}
        return {type_url: names for type_url, names in found.items() if names}
