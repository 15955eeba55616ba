"""Make before break across the types of one aggregated stream.

A cycle takes the client from one consistent state of the snapshot to a later one. Its batch is what
differs when it begins. A stage begins when everything of the stage before is acknowledged:

    Clusters ──▶ their endpoints ──▶ Listeners ──▶ routes ──▶ Clusters ──▶ endpoints,
    (added,      (a Cluster warms    (all)         (scoped,   (gone: no    Secrets
     changed)     until they come)                  RDS, VHDS) no route)    (gone)

Envoy acknowledges no Cluster while one warms. After WARM_WAIT those that still warm are told the
preludes of their endpoints (xds.resource), so that no Cluster holds up all others.

What changes meanwhile belongs to the next cycle, so routes get through however fast Clusters
change.
Endpoints and Secrets that are added or changed are in no cycle (xds.schedule).
Stages of types that the client has not subscribed to are skipped.
"""

from collections.abc import Mapping
from enum import IntEnum, auto
from typing import Final

from xds.changes import NO_CHANGES, Changes
from xds.holdings import Flight
from xds.resource import TypeUrl
from xds.snapshot import Snapshot
from xds.subscription import Subscription

_ROUTES: Final = (TypeUrl.SCOPED_ROUTE, TypeUrl.ROUTE, TypeUrl.VIRTUAL_HOST)

IN_CYCLE: Final = (TypeUrl.CLUSTER, TypeUrl.LISTENER, *_ROUTES)
"""Types that are sent in the stages of a cycle only."""

REMOVED_LAST: Final = (TypeUrl.ENDPOINT, TypeUrl.SECRET)
"""Types of which only the removals are in a cycle, in its last stage."""


WARM_WAIT: Final = 0.5
"""Seconds in which Clusters may warm with what is declared, until they are told preludes."""


class _Stage(IntEnum):
    CLUSTERS = auto()
    ENDPOINTS = auto()
    LISTENERS = auto()
    ROUTES = auto()
    CLUSTERS_GONE = auto()
    REFERENCES_GONE = auto()
    DONE = auto()


_TYPES: Final[Mapping[_Stage, tuple[TypeUrl, ...]]] = {
    _Stage.CLUSTERS: (TypeUrl.CLUSTER,),
    _Stage.ENDPOINTS: (),
    _Stage.LISTENERS: (TypeUrl.LISTENER,),
    _Stage.ROUTES: _ROUTES,
    _Stage.CLUSTERS_GONE: (TypeUrl.CLUSTER,),
    _Stage.REFERENCES_GONE: (),
}


class Cycle:
    """One pass through the stages.

    `deadline` is when to ask again though nothing has arrived. `awaited` has the endpoints that
    routes wait for, each with the serial of the response after which they have to be sent.
    """

    def __init__(
        self,
        subscriptions: Mapping[str, Subscription],
        snapshot: Snapshot,
        batches: dict[str, Changes],
        endpoint_wait: float,
    ) -> None:
        self.deadline: float | None = None
        self._patience = WARM_WAIT
        self._endpoint_wait = endpoint_wait
        self._snapshot = snapshot
        self._subscriptions = subscriptions
        self._batches = batches
        self._due: set[str] = {t for t in batches if t in IN_CYCLE and subscriptions[t].answer_due}
        self._stage = _Stage.CLUSTERS
        self.awaited: dict[str, int] = {}
        # Without Listeners and routes in the batch nothing has to wait: removed Clusters leave in
        # the response that adds others.
        self._at_once = not any(
            batches.get(t) or t in self._due for t in (TypeUrl.LISTENER, *_ROUTES)
        )

    @classmethod
    def begin(
        cls,
        subscriptions: Mapping[str, Subscription],
        snapshot: Snapshot,
        *,
        endpoint_wait: float,
    ) -> "Cycle | None":
        """Begin a cycle with what differs now; None if nothing does. O(names that differ).

        `endpoint_wait` bounds the seconds that routes wait for a client to subscribe to the
        endpoints of its new Clusters.
        """
        batches: dict[str, Changes] = {}
        for type_url in (*IN_CYCLE, *REMOVED_LAST):
            subscription = subscriptions.get(type_url)
            if subscription is None:
                continue
            if type_url in REMOVED_LAST and subscription.flight:
                continue  # nothing of this type could be sent now: the next cycle takes it
            changes = subscription.gone() if type_url in REMOVED_LAST else subscription.changes()
            changes = _without_kept(type_url, changes, snapshot)
            if changes or (type_url in IN_CYCLE and subscription.answer_due):
                batches[type_url] = changes
        return cls(subscriptions, snapshot, batches, endpoint_wait) if batches else None

    @property
    def done(self) -> bool:
        """Whether all stages are passed."""
        return self._stage is _Stage.DONE

    def next(self, now: float) -> tuple[Subscription, Changes] | None:
        """What to send in one response now, if anything. The caller sends it and calls `sent`."""
        while not self.done:
            waits = False
            for type_url in _TYPES[self._stage]:
                subscription = self._subscriptions.get(type_url)
                if subscription is None:
                    continue
                if subscription.flight:
                    waits = True
                    if type_url == TypeUrl.CLUSTER:
                        self._hurry(subscription.flight, now)
                    continue
                eligible = self._eligible(subscription)
                if eligible or (type_url in self._due and subscription.answer_due):
                    return subscription, subscription.choose(eligible)
            if waits or self._waits_for_endpoints(now) or self._waits_for_removals():
                return None
            self._stage = _Stage(self._stage + 1)
        return None

    def _eligible(self, subscription: Subscription) -> Changes:
        batch = subscription.admit(self._batches.get(subscription.type_url, NO_CHANGES))
        self._batches[subscription.type_url] = batch
        if self._stage is _Stage.CLUSTERS and not self._at_once:
            return batch.upserts()
        if self._stage is _Stage.CLUSTERS_GONE:
            batch = _without_kept(TypeUrl.CLUSTER, batch, self._snapshot)
            self._batches[TypeUrl.CLUSTER] = batch
        return batch

    def _hurry(self, clusters: Flight, now: float) -> None:
        """Have preludes told to Clusters that warm for too long.

        One whose Secret is late may begin to wait for its endpoints after that, so they are told
        again, each time after twice as long.
        """
        endpoints = self._subscriptions.get(TypeUrl.ENDPOINT)
        if endpoints is None:
            return
        if self.deadline is not None and now >= self.deadline:
            self.deadline = None
            self._patience *= 2
            endpoints.hurry(clusters.sent.required)
        if self.deadline is None:
            self.deadline = now + self._patience

    def _waits_for_endpoints(self, now: float) -> bool:
        endpoints = self._subscriptions.get(TypeUrl.ENDPOINT)
        if self._stage is not _Stage.ENDPOINTS or endpoints is None or not self.awaited:
            self.deadline = None
            return False
        if self.deadline is None:
            self.deadline = now + self._endpoint_wait
        if now < self.deadline:
            return True
        if endpoints.owes(self.awaited):  # the client has asked, so it will acknowledge them
            return True
        self.deadline = None
        return False

    def _waits_for_removals(self) -> bool:
        return self._stage is _Stage.REFERENCES_GONE and any(map(self._is_leaving, REMOVED_LAST))

    def _is_leaving(self, type_url: str) -> bool:
        if not self._batches.get(type_url):
            return False
        return self._subscriptions[type_url].flight is not None or bool(self.released(type_url))

    def released(self, type_url: str) -> Changes:
        """Removals of endpoints or Secrets whose turn has come. They are sent outside the cycle."""
        batch = self._batches.get(type_url)
        if self._stage is not _Stage.REFERENCES_GONE or not batch:
            return NO_CHANGES
        current = self._subscriptions[type_url].changes()
        batch = batch.only([name for name in batch if name in current and current[name] is None])
        batch = _without_kept(type_url, batch, self._snapshot)
        self._batches[type_url] = batch
        return batch

    def sent(self, type_url: str, flight: Flight) -> None:
        """Note that a response was sent."""
        self._due.discard(type_url)  # an answer that becomes due later belongs to the next cycle
        self._batches[type_url] = self._batches.get(type_url, NO_CHANGES).without(flight.sent)
        if type_url != TypeUrl.CLUSTER:
            return
        self.deadline, self._patience = None, WARM_WAIT
        # A Cluster that is new or changed warms until its endpoints come once more, changed or not.
        # Over delta Envoy does not ask for them again.
        endpoints = self._subscriptions.get(TypeUrl.ENDPOINT)
        required = flight.sent.required
        self.awaited |= dict.fromkeys(required, flight.serial)
        if endpoints:
            endpoints.repeat(required)

    def acknowledged(self, type_url: str, flight: Flight) -> None:
        """Note that a response was acknowledged."""
        if type_url != TypeUrl.ENDPOINT or not self.awaited:
            return
        for name in flight.sent:
            if self.awaited.get(name, flight.serial) < flight.serial:
                del self.awaited[name]

    def rejected(self, type_url: str, flight: Flight) -> None:
        """Note that a response was rejected: its changes are sent again, in other company."""
        if type_url in IN_CYCLE and self._subscriptions[type_url].answer_due:
            self._due.add(type_url)
        if type_url in IN_CYCLE and any(flight.sent.values()):
            self._batches[type_url] = Changes(
                {**self._batches.get(type_url, NO_CHANGES), **flight.sent}
            )
        if type_url == TypeUrl.CLUSTER:
            for name in flight.sent.required:
                if self.awaited.get(name) == flight.serial:
                    del self.awaited[name]


def _without_kept(type_url: str, changes: Changes, snapshot: Snapshot) -> Changes:
    """Changes without removals that would break what stands in for rejected resources."""
    if not changes.has_removals:
        return changes
    keeps = snapshot.verdicts.keeps
    return changes.only(
        [name for name, each in changes.items() if each or not keeps(type_url, name)]
    )
