"""One type on one stream: what the client asked for, and what it is told next.

Both protocol variants are built on it. The rules of what a client holds are in xds.holdings, those
of what a request says in xds.delta and xds.sotw, those of a rejected response in xds.suspects.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from xds.changes import Changes
from xds.discovery import Request
from xds.holdings import Flight, Holdings
from xds.resource import Resource, TypeUrl
from xds.snapshot import Snapshot, Target
from xds.suspects import Suspects

WILDCARD: Final = "*"
NAMED_TYPES: Final = frozenset(
    (TypeUrl.ENDPOINT, TypeUrl.ROUTE, TypeUrl.VIRTUAL_HOST, TypeUrl.SECRET)
)
"""Types that other resources refer to by name.

The protocol's rule that no names in the first request mean all names is not for these.
"""

NO_WILDCARD: Final = frozenset((TypeUrl.SECRET,))
"""Types of which "*" is a name like any other.

Clients of a client may choose the names of Secrets, and must not choose all Secrets at once.
"""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A response: bytes to join, most of them shared, and the number of resources in it."""

    parts: Sequence[bytes]
    resources: int


class Subscription(ABC):
    """What both protocol variants share."""

    __slots__ = (
        "_holdings",
        "_node_id",
        "_snapshot",
        "_suspects",
        "answer_due",
        "last_nack",
        "last_nonce",
        "type_url",
    )

    def __init__(self, type_url: str, snapshot: Snapshot, node_id: str) -> None:
        self.type_url = type_url
        self.answer_due = False
        """Whether a response has to be sent even if it tells nothing."""

        self.last_nonce = ""
        self.last_nack: str | None = None
        self._snapshot = snapshot
        self._node_id = node_id
        self._holdings = Holdings(type_url, snapshot, node_id)
        self._suspects = Suspects()

    @property
    def wildcard(self) -> bool:
        """Whether the client watches whatever is declared."""
        return self._holdings.wildcard

    @property
    def names(self) -> int:
        """How many names the client is subscribed to."""
        return len(self._holdings.names)

    @property
    def subscribed(self) -> Iterable[str]:
        """The names that the client is subscribed to."""
        return self._holdings.names

    @property
    def flight(self) -> Flight | None:
        """The response that the client has not answered yet."""
        return self._holdings.flight

    def mark(self, name: str, before: Target) -> None:
        """Note that the client's target under a name was `before` until now. O(1)."""
        self._holdings.mark(name, before)

    def repeat(self, names: Iterable[str]) -> None:
        """Have resources sent once more, changed or not."""
        self._holdings.repeat(names)

    def hurry(self, names: Iterable[str]) -> None:
        """Have the preludes of resources told first, where they have any."""
        self._holdings.hurry(names)

    def changes(self) -> Changes:
        """What the client shall be told beyond what is in flight. O(names that differ)."""
        return self._holdings.differs()

    def urgent(self) -> Changes:
        """The changes that break nothing: resources, and answers to what the client has asked."""
        changes = self.changes()
        if not changes.has_removals:
            return changes
        asked = self._holdings.is_asked
        return changes.only([name for name, each in changes.items() if each or asked(name)])

    def gone(self) -> Changes:
        """The other changes: names that are gone, and that the client has not asked about."""
        changes = self.changes()
        asked = self._holdings.is_asked
        return changes.only(
            [name for name in changes.removals() if not asked(name)] if changes.has_removals else ()
        )

    def owes(self, names: Iterable[str]) -> bool:
        """Whether one of the names is in flight, or urgent. O(names that differ)."""
        in_flight = self.flight.sent if self.flight else {}
        urgent = self.urgent()
        return any(name in in_flight or name in urgent for name in names)

    def admit(self, batch: Changes) -> Changes:
        """What is still to be sent of changes found earlier; bytes rejected meanwhile are not."""
        if not self.wildcard:
            batch = batch.only([name for name in batch if self._holdings.watches(name)])
        banned = {each.name for each in self._snapshot.banned(self.type_url, batch, self._node_id)}
        if not banned:
            return batch
        return Changes({**batch.without(banned), **dict(self._instead_of(banned))})

    def _instead_of(self, banned: Iterable[str]) -> Iterator[tuple[str, Resource]]:
        """The last good resources, which the client is told in place of banned ones."""
        declared = self._snapshot.declared(self.type_url)
        for name in banned:
            target = self._snapshot.target(self.type_url, name, self._node_id)
            # What is declared by now is newer than the batch, and has its own time.
            if isinstance(target, Resource) and target is not declared.get(name):
                yield name, target

    def choose(self, changes: Changes) -> Changes:
        """Of changes that could go now, those to send in one response."""
        return changes.only(self._suspects.choose(changes))

    def respond(self, changes: Changes, serial: int) -> Encoded:
        """Make the response that tells changes, and note that it is in flight."""
        self._holdings.send(changes, serial)
        self.last_nonce = str(serial)
        self.answer_due = False
        return self._encode(changes, self.last_nonce)

    def acknowledge(self) -> None:
        """Take the client's ACK of the response in flight."""
        self._holdings.take_acknowledgement()
        self.last_nack = None
        self._suspects.acquit()

    def reject(self, message: str) -> Resource | None:
        """Take the client's NACK of the response in flight; gives a resource that was alone in it.

        That one is bad; otherwise the resources are suspects, and go out again in other company.
        """
        upserts = [each for each in self._holdings.take_rejection().values() if each]
        self.last_nack = message
        if len(upserts) == 1:
            self._suspects.convict()
            return upserts[0]
        # Resources that no client has acknowledged yet are the likelier ones.
        unknown = [each for each in upserts if not self._snapshot.is_good(self.type_url, each)]
        self._suspects.accuse([resource.name for resource in unknown or upserts], message)
        return None

    def unacknowledged(self) -> Iterator[str]:
        """The names of which the client has not acknowledged what is declared."""
        return self._holdings.unacknowledged()

    def count_acknowledged(self) -> int:
        """How many resources the client has acknowledged. O(names watched)."""
        return self._holdings.acknowledged()

    def count_pending(self) -> int:
        """How many resources wait to be sent or to be acknowledged."""
        return len({*self.changes(), *(self.flight.sent if self.flight else ())})

    def doubtful(self) -> frozenset[str]:
        """The names that the client's next stream has to be told, whatever the client says."""
        return self._holdings.doubtful()

    def _given_version(self) -> str | None:
        """The version that was given for what is declared, if a response brings the client to it.

        A response that is only a step on the way there must not carry it: the client could name it
        when it comes back.
        """
        version = self._snapshot.versions.get(self.type_url)
        return version if version is not None and not self.changes() else None

    @abstractmethod
    def renumber(self) -> None:
        """Note that what is declared was given another version, changed or not."""

    @abstractmethod
    def update(self, request: Request, *, first: bool, unclear: frozenset[str]) -> None:
        """Apply what a request says about the subscription.

        `first` is the first request of this type on the stream, which may tell what the client
        holds; `unclear` are the names that an earlier stream of the client left unclear.
        """

    @abstractmethod
    def _encode(self, sent: Changes, nonce: str) -> Encoded: ...
