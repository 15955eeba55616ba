"""One stream as a state machine: bytes in, bytes out, no I/O and no clock of its own.

    stream = Stream(cache, DELTA, group_of=..., wake=...)
    stream.receive(request)
    while (response := stream.next_message(now)) is not None: ...write it...
    # again after each `receive`, each `wake`, and at `stream.deadline`

At most one response per type waits for its ACK; changes merge meanwhile, and are sent then.
The same machine serves the aggregated stream (`only=None`) and the streams of one type.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from xds import wire
from xds.acknowledgement import Answer, answer_of
from xds.cache import SnapshotCache
from xds.discovery import MOST_NAMES, Node, OutOfBounds, Request
from xds.errors import BadRequest, Refused, TooMuch
from xds.holdings import Flight
from xds.quoted import cut, quoted
from xds.resource import TypeUrl
from xds.schedule import Schedule
from xds.snapshot import Snapshot, Target
from xds.subscription import Subscription
from xds.variants import Variant
from xds.views import Backlog, ClientView, TypeView

log = logging.getLogger(__name__)

ENDPOINT_WAIT: Final = 1.0
"""Seconds that routes wait for a client to ask for the endpoints of its new Clusters.

An Envoy asks for them right after it has taken the Cluster.
"""

_MOST_TYPES: Final = 32
"""Types that a stream may ask for, known or not."""

_DETAIL: Final = 1000
"""Characters of a client's message that are shown in the log."""


class Stream:
    """One client's stream.

    `group_of` gives the group of a node, None for a node that is not served. `most_names` bounds
    the names that the client may be subscribed to, over all types.
    """

    def __init__(
        self,
        cache: SnapshotCache,
        variant: Variant,
        *,
        group_of: Callable[[Node], str | None],
        wake: Callable[[], None],
        only: TypeUrl | None = None,
        endpoint_wait: float = ENDPOINT_WAIT,
        most_names: int = MOST_NAMES,
    ) -> None:
        self.node = Node("", "")
        self.group = ""
        self.waits = False
        self._cache = cache
        self._variant = variant
        self._group_of = group_of
        self._wake = wake
        self._only = only
        self._endpoint_wait = endpoint_wait
        self._most_names = most_names
        self._snapshot: Snapshot | None = None
        self._schedule: Schedule | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._unclear: Mapping[str, frozenset[str]] = {}
        self._serial = 0

    @property
    def node_id(self) -> str:
        """The client's node id; empty before its first request."""
        return self.node.id

    @property
    def deadline(self) -> float | None:
        """When to call `next_message` even if nothing has happened until then."""
        return self._schedule.deadline if self._schedule else None

    def receive(self, data: bytes) -> None:
        """Take a request. Raises StreamError; the stream is over then."""
        request = self._parsed(data)
        type_url = self._type_of(request)
        snapshot = self._snapshot or self._join(request.node)
        subscription = self._subscriptions.get(type_url)
        first = subscription is None
        if subscription is None:
            if len(self._subscriptions) == _MOST_TYPES:
                raise BadRequest(f"a stream serves at most {_MOST_TYPES} types")
            subscription = self._variant.subscription(type_url, snapshot, self.node.id)
            self._subscriptions[type_url] = subscription
        elif not self._take_answer(subscription, request):
            return
        unclear = self._unclear.get(type_url, frozenset())
        if request.names:
            self._cache.ask(self.group, type_url, request.names)
        subscription.update(request, first=first, unclear=unclear)
        if request.names:
            self._check_names()
        if type_url == TypeUrl.ENDPOINT and self._is_starting(request):
            subscription.hurry([name for name in request.names if name not in request.held])
        if first:
            self._log(logging.INFO, "subscribed", type_url, "", len(request.names))
            self._cache.subscribed()

    def _parsed(self, data: bytes) -> Request:
        try:
            return self._cache.requests.parse(self._variant.parse, data, self._most_names)
        except wire.MalformedMessage as error:
            raise BadRequest(str(error)) from error
        except OutOfBounds as error:
            raise TooMuch(str(error)) from error

    def _is_starting(self, request: Request) -> bool:
        """Whether the client may wait for the endpoints that it asks for before it listens.

        An Envoy asks for Listeners after all of its first Clusters are warm. Until then it
        acknowledges Clusters that still warm, so nothing would tell of one that does so for long.
        Over SotW each request has all names. One that answers asks for nothing, nor does the first
        one of a client that comes back with a version.
        """
        answers = request.version or request.error is not None
        return not answers and TypeUrl.LISTENER not in self._subscriptions

    def _check_names(self) -> None:
        names = sum(subscription.names for subscription in self._subscriptions.values())
        if names > self._most_names:
            raise TooMuch(
                f"the stream subscribes to {names} resources by name, and at most "
                f"{self._most_names} are served to one"
            )

    def _type_of(self, request: Request) -> str:
        asked = request.type_url or self._only
        if not asked:
            raise BadRequest("an aggregated stream needs a type_url in each request")
        if self._only and asked != self._only:
            raise BadRequest(f"this service serves {self._only} only, not {cut(asked)}")
        try:
            return TypeUrl(asked)
        except ValueError:
            return asked  # nothing is declared of such a type, and the client may be told so

    def _join(self, node: Node) -> Snapshot:
        """Let the stream follow the group of its client."""
        group = self._group_of(node)
        if group is None:
            raise Refused(
                f"node {cut(node.id)!r} of cluster {cut(node.cluster)!r} is not served here: "
                "node.cluster has to name a gateway that this client may see"
            )
        self.node, self.group = node, group
        self._unclear = self._cache.recall(group, node.id)
        self.waits = not self._cache.is_published(group)
        if self.waits:
            log.info(
                "waiting node=%s group=%s detail='nothing is declared for this group'",
                quoted(node.id),
                quoted(group),
                extra={"group": group},
            )
        snapshot = self._snapshot = self._cache.attach(group, self)
        self._schedule = Schedule(self._subscriptions, snapshot, endpoint_wait=self._endpoint_wait)
        return snapshot

    def _take_answer(self, subscription: Subscription, request: Request) -> bool:
        """Take what a request answers; False if the rest of the request does not count either."""
        flight = subscription.flight
        answer = answer_of(
            request, last_nonce=subscription.last_nonce, in_flight=flight is not None
        )
        if answer is Answer.STALE:
            self._log(logging.DEBUG, "stale", subscription.type_url, request.nonce, 0)
            return not self._variant.ignores_stale
        if flight and answer is Answer.ACK:
            self._take_ack(subscription, flight)
        if flight and answer is Answer.NACK:
            self._take_nack(subscription, flight, request.error or "")
        return True

    def _take_ack(self, subscription: Subscription, flight: Flight) -> None:
        type_url = subscription.type_url
        subscription.acknowledge()
        self._log(logging.DEBUG, "ack", type_url, flight.nonce, len(flight.sent))
        if self._schedule:
            self._schedule.acknowledged(type_url, flight)
        self._cache.confirm(self.group, type_url, flight.sent)

    def _take_nack(self, subscription: Subscription, flight: Flight, error: str) -> None:
        type_url = subscription.type_url
        culprit = subscription.reject(error)
        self._log(logging.WARNING, "nack", type_url, flight.nonce, len(flight.sent), error)
        if type_url == TypeUrl.SCOPED_ROUTE and self._snapshot:
            for name in flight.sent.upserts():
                self._snapshot.mark_resent(name, again=True)
        if self._schedule:
            self._schedule.rejected(type_url, flight)
        if culprit:
            self._log(logging.WARNING, "quarantined", type_url, flight.nonce, 1, culprit.name)
        self._cache.refuse(self.group, self.node.id, type_url, culprit, error)

    def next_message(self, now: float) -> bytes | None:
        """The next response to write, None until something happens."""
        if self._schedule is None:
            return None
        if self.waits and not self._cache.is_published(self.group):
            return None
        self.waits = False
        found = self._schedule.next(now)
        if found is None:
            return None
        subscription, changes = found
        self._serial += 1
        response = subscription.respond(changes, self._serial)
        message = b"".join(response.parts)
        if subscription.flight:
            self._schedule.sent(subscription.type_url, subscription.flight)
        self._cache.sent(subscription.type_url, response.resources, len(message))
        self._log(logging.DEBUG, "push", subscription.type_url, str(self._serial), len(changes))
        return message

    def close(self) -> None:
        """End the stream; may be called twice."""
        if self._schedule is None:
            return
        unclear = self._schedule.unclear()
        self._snapshot, self._schedule, self._subscriptions = None, None, {}
        self._cache.detach(self.group, self, unclear)

    def mark(self, type_url: str, name: str, before: Target) -> None:
        """Note that the client's target under a name was `before` until now. O(1)."""
        subscription = self._subscriptions.get(type_url)
        if subscription:
            subscription.mark(name, before)

    def names(self, type_url: str) -> Iterable[str]:
        """The names of a type that the client is subscribed to."""
        subscription = self._subscriptions.get(type_url)
        return subscription.subscribed if subscription else ()

    def renumber(self, type_url: str) -> None:
        """Note that what is declared of a type was given another version, changed or not."""
        subscription = self._subscriptions.get(type_url)
        if subscription:
            subscription.renumber()

    def wake(self) -> None:
        """Ask for `next_message` soon."""
        self._wake()

    def view(self) -> ClientView:
        """What the client holds."""
        types = {
            TypeUrl(type_url): TypeView(
                wildcard=subscription.wildcard,
                names=subscription.names,
                acknowledged=subscription.count_acknowledged(),
                pending=subscription.count_pending(),
                error=subscription.last_nack
                or self._cache.refusal(self.group, type_url, self.node.id),
            )
            for type_url, subscription in self._known()
        }
        return ClientView(
            self.node.id, self.group, self.node.agent, self._variant.name, self.waits, types
        )

    def backlog(self) -> Backlog:
        """What the client has still to acknowledge."""
        pending = {TypeUrl(url): s.count_pending() for url, s in self._known()}
        return Backlog(self.group, self._variant.name, pending)

    def unacknowledged(self) -> Iterator[tuple[TypeUrl, str]]:
        """The types and names that are declared, subscribed to, and not acknowledged."""
        for type_url, subscription in self._known():
            for name in subscription.unacknowledged():
                yield type_url, name

    def listens(self) -> bool:
        """Whether the client has acknowledged all Listeners that are declared, at least one."""
        subscription = self._subscriptions.get(TypeUrl.LISTENER)
        return (
            subscription is not None
            and subscription.count_acknowledged() > 0
            and next(subscription.unacknowledged(), None) is None
        )

    def _known(self) -> Iterator[tuple[TypeUrl, Subscription]]:
        """The subscriptions to types of which something can be declared."""
        return (
            (type_url, subscription)
            for type_url, subscription in self._subscriptions.items()
            if isinstance(type_url, TypeUrl)
        )

    def _log(
        self, level: int, what: str, type_url: str, nonce: str, names: int, detail: str = ""
    ) -> None:
        if log.isEnabledFor(level):
            log.log(
                level,
                "%s node=%s group=%s type_url=%s nonce=%s names=%d%s",
                what,
                quoted(self.node.id),
                quoted(self.group),
                quoted(type_url),
                quoted(nonce),
                names,
                f" detail={cut(detail, _DETAIL)!r}" if detail else "",
                extra={"group": self.group},
            )
