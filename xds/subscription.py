"""One type on one stream: what the client asked for, and what it holds.

A client in sync holds exactly what its snapshot serves, so only the exceptions are kept:

    publish ──▶ differs[name] = what the client holds ──▶ flight ── ACK ──▶ (gone, or differs again)
                     ▲                                       │
                     └──────────── UNSURE ◀──────── NACK ────┘

A thousand streams in sync cost a thousand empty dicts, however many resources there are, and so do
a thousand that have just subscribed to everything. Changes merge by name while a response is in
flight; nothing queues.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from xds.discovery import Request
from xds.everything import Everything
from xds.names import Names
from xds.resource import Resource, TypeUrl
from xds.snapshot import WITHHELD, Served, Snapshot
from xds.suspects import Suspects

WILDCARD: Final = "*"
# The protocol's "no names in the first request means all" is not for what others refer to by name.
NAMED_TYPES: Final = frozenset(
    (TypeUrl.ENDPOINT, TypeUrl.ROUTE, TypeUrl.VIRTUAL_HOST, TypeUrl.SECRET)
)


class Doubt(Enum):
    """Why nobody knows what a client holds under a name."""

    ASKED = auto()  # it has just subscribed, and waits for an answer
    UNSURE = auto()  # it may have applied parts of a rejected response, or needs to hear it again


Held: TypeAlias = str | Doubt | None  # the version, or None for nothing
Changes: TypeAlias = Mapping[str, Resource | None]


@dataclass(frozen=True, slots=True)
class Flight:
    """A response that is not acknowledged yet; `serial` orders the responses of a stream.

    `before` is what the client held of the names sent; nothing where it does not say.
    """

    nonce: str
    serial: int
    sent: Changes
    before: Mapping[str, Held]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A response: bytes to join, most of them shared, and how many resources are in it."""

    parts: Sequence[bytes]
    resources: int


class Subscription(ABC):
    """What both protocols share."""

    def __init__(self, type_url: str, snapshot: Snapshot, node_id: str) -> None:
        self.type_url = type_url
        self.wildcard = False
        self.names = Names(snapshot.names)
        self.answer_due = False  # even if there is nothing to tell
        self.flight: Flight | None = None
        self.last_nonce = ""
        self.last_nack: str | None = None
        self._snapshot = snapshot
        self._node_id = node_id
        self._spelled: dict[str, Held] = {}
        self._untold = False
        self._suspects = Suspects()

    @property
    def _differs(self) -> dict[str, Held]:
        """What the client holds of each name of which it shall hold something else, or may."""
        if self._untold:
            self._untold = False
            if self.wildcard:
                self._spelled = dict.fromkeys(self._snapshot.declared(self.type_url))
            else:
                self._spelled = dict.fromkeys(self.names, Doubt.ASKED)
        return self._spelled

    def _begin_untold(self) -> None:
        """All that is watched differs; a short form, until somebody looks at single names."""
        self._untold = True
        self._spelled = {}

    def watches(self, name: str) -> bool:
        """Whether the client wants to know of this name."""
        return self.wildcard or name in self.names

    def held(self, name: str) -> Held:
        """What the client has acknowledged under a name."""
        if name in self._differs:
            return self._differs[name]
        if self.flight and name in self.flight.sent:
            return self.flight.before.get(name)
        return version_of(self._served(name))

    def mark(self, name: str, before: Served) -> None:
        """The snapshot served `before` under a name until now; O(1)."""
        if self._untold:
            return
        if self.watches(name) and name not in self._differs:
            if self.flight and name in self.flight.sent:
                return  # compared when the flight lands
            self._differs[name] = version_of(before)

    def repeat(self, names: Iterable[str]) -> None:
        """Send resources once more, changed or not."""
        for name in names:
            if self._differs.get(name) is Doubt.ASKED or not self.watches(name):
                continue
            if isinstance(self._served(name), Resource):
                self._differs[name] = Doubt.UNSURE

    def changes(self) -> Changes:
        """What the client shall be told, in flight or not sent; O(names that differ)."""
        if self._snapshot.is_clean:
            return self._everything() or self._changes_to_declared()
        found: dict[str, Resource | None] = {}
        for name, held in list(self._differs.items()):
            target = self._served(name)
            if target is WITHHELD:
                if held is Doubt.ASKED:
                    found[name] = None
            elif held == version_of(target):
                del self._differs[name]
            elif not self._holds_declared(name, held):
                found[name] = target
        return found

    def _changes_to_declared(self) -> Changes:
        """The same where nothing was ever rejected: a fifth of the time, of all who connect."""
        found: dict[str, Resource | None] = {}
        declared = self._snapshot.declared(self.type_url)
        for name, held in self._differs.items():
            resource = declared.get(name)
            if resource is None:
                if held is not None:
                    found[name] = None
            elif resource.version != held:
                found[name] = resource
        if len(found) < len(self._differs):
            self._spelled = {name: self._differs[name] for name in found}
        return found

    def _everything(self) -> Everything | None:
        """The changes where they are all that is declared, to a client that holds none of it."""
        if not self._untold:
            return None
        everything = self._snapshot.everything(self.type_url)
        if self.wildcard:
            return everything
        asked = self.names.shared
        return everything if asked is not None and everything.is_named_by(asked) else None

    def _holds_declared(self, name: str, held: Held) -> bool:
        # Then another client has rejected it: no reason to take it away from this one.
        declared = self._snapshot.declared(self.type_url).get(name)
        return declared is not None and declared.version == held

    def urgent(self) -> Changes:
        """Of the changes, those that break nothing: what is there, and answers to questions."""
        changes = self.changes()
        if isinstance(changes, Everything):
            return changes
        differs = self._differs
        return {
            name: resource
            for name, resource in changes.items()
            if resource is not None or differs.get(name) is Doubt.ASKED
        }

    def gone(self) -> Changes:
        """Of the changes, the others: what is there no more and nobody asks for."""
        changes = self.changes()
        if isinstance(changes, Everything):
            return {}
        differs = self._differs
        return {
            name: None
            for name, resource in changes.items()
            if resource is None and differs.get(name) is not Doubt.ASKED
        }

    def owes(self, names: Iterable[str]) -> bool:
        """Whether one of the names is in flight, or urgent; O(names)."""
        in_flight = self.flight.sent if self.flight else {}
        return any(name in in_flight or self._is_urgent(name) for name in names)

    def _is_urgent(self, name: str) -> bool:
        differs = self._differs
        if name not in differs:
            return False
        held, target = differs[name], self._served(name)
        if not isinstance(target, Resource):
            return held is Doubt.ASKED
        return held != target.version and not self._holds_declared(name, held)

    def admit(self, batch: Changes) -> Changes:
        """What is still to be sent of changes found earlier; bytes rejected meanwhile are not."""
        if self._snapshot.is_clean and self.wildcard:
            return batch
        admitted: dict[str, Resource | None] = {}
        for name, resource in batch.items():
            if not self.watches(name):
                continue
            if resource and self._snapshot.is_banned(self.type_url, resource, self._node_id):
                served = self._served(name)
                declared = self._snapshot.declared(self.type_url).get(name)
                if not isinstance(served, Resource) or served is declared:
                    continue  # nothing good, or something newer, which has its own time
                admitted[name] = served
            else:
                admitted[name] = resource
        return admitted

    def choose(self, changes: Changes) -> Changes:
        """Of changes that could go now, those to send in one response."""
        if not self._suspects:
            self._suspects.choose(())
            return changes
        return {name: changes[name] for name in self._suspects.choose(changes)}

    def depart(self, sent: Changes, serial: int) -> Encoded:
        """Note a response as sent, and give it."""
        before: Mapping[str, Held]
        everything = self._snapshot.as_everything(self.type_url, sent)
        if self._untold and everything is not None:
            before, self._untold = {}, False
        elif sent.keys() == self._differs.keys():
            before, self._spelled = self._differs, {}
        else:
            before = {name: self.held(name) for name in sent}
            for name in sent:
                self._differs.pop(name, None)
        self.last_nonce = str(serial)
        self.flight = Flight(self.last_nonce, serial, sent, before)
        self.answer_due = False
        return self._encode(sent, self.last_nonce)

    def acknowledge(self) -> None:
        """The client has accepted the response in flight."""
        flight, self.flight = self.flight, None
        if flight is None:
            return
        self.last_nack = None
        in_sync = self._snapshot.is_clean and not self._differs
        everything = self._snapshot.as_everything(self.type_url, flight.sent)
        if in_sync and everything is not None:
            self._suspects.acquit()
            return
        for name, resource in flight.sent.items():
            if not self.watches(name) or name in self._differs:
                continue
            if version_of(resource) != version_of(self._served(name)):
                self._differs[name] = version_of(resource)
        self._suspects.acquit()

    def reject(self, message: str) -> Resource | None:
        """The client has refused the response in flight; gives the culprit where it was alone."""
        flight, self.flight = self.flight, None
        if flight is None:
            return None
        self.last_nack = message
        upserts = [resource for resource in flight.sent.values() if resource is not None]
        for name, resource in flight.sent.items():
            if not self.watches(name):
                continue
            # A removal rejected without company cannot be sent any better: take it as done.
            self._differs[name] = Doubt.UNSURE if resource or upserts else None
        if len(upserts) == 1:
            self._suspects.convict()
            return upserts[0]
        # Rather those that no client has acknowledged yet.
        unknown = [r for r in upserts if not self._snapshot.is_good(self.type_url, r)]
        self._suspects.accuse([resource.name for resource in unknown or upserts], message)
        return None

    def lagging(self) -> Iterator[str]:
        """The names of which the client has not acknowledged what is declared."""
        declared = self._snapshot.declared(self.type_url)
        in_flight = self.flight.sent if self.flight else {}
        for name in (*self._differs, *(n for n in in_flight if n not in self._differs)):
            held = self.held(name)
            wanted = declared.get(name)
            if self.watches(name) and held != version_of(wanted):
                if wanted is None and held is Doubt.ASKED:
                    continue
                yield name
        for rejection in self._snapshot.verdicts.of(self.type_url):
            name = rejection.name
            known = name in self._differs or name in in_flight
            if known or not self.watches(name):
                continue
            if self.held(name) != rejection.version:
                yield name

    def count_acknowledged(self) -> int:
        """How many resources the client has acknowledged; O(names subscribed to, or declared)."""
        names: Iterable[str] = self.names
        if self.wildcard:
            in_flight = self.flight.sent if self.flight else {}
            names = {*self._snapshot.declared(self.type_url), *self._differs, *in_flight}
        return sum(isinstance(self.held(name), str) for name in names)

    def count_pending(self) -> int:
        """How many resources wait to be sent or to be acknowledged."""
        in_flight = self.flight.sent if self.flight else {}
        return len({*self.changes(), *in_flight})

    def doubtful(self) -> frozenset[str]:
        """What the next stream of this client should hear again, whatever it says it holds."""
        return frozenset(n for n, held in self._differs.items() if held is Doubt.UNSURE)

    @abstractmethod
    def renumber(self) -> None:
        """What is declared has another version now, changed or not."""

    def _given_version(self) -> str | None:
        """The version that whoever declares has given, where this response brings the client to it.

        One that is on the way there must not be taken for it when the client comes back.
        """
        version = self._snapshot.versions.get(self.type_url)
        return version if version is not None and not self.changes() else None

    def _watch_all(self) -> None:
        if self.wildcard:
            return
        in_flight = self.flight.sent if self.flight else {}
        if not self.names and not in_flight and not self._differs:
            self.wildcard = True
            self._begin_untold()
            return
        for name in self._snapshot.declared(self.type_url):
            if name not in self.names and name not in in_flight:
                self._differs.setdefault(name, None)
        self.wildcard = True

    def _watch(self, names: Collection[str]) -> None:
        if not names:
            return
        new = not (self.wildcard or self.names or self.flight or self._differs)
        self.names.add(names)
        if new and self.names.shared is not None:
            self._begin_untold()
        else:
            self._differs.update(dict.fromkeys(names, Doubt.ASKED))

    def _watch_all_no_more(self) -> None:
        if self.wildcard:
            self._spelled = self._differs  # while it is known what the short form stands for
            self.wildcard = False
            self._forget_unwatched()

    def _forget_unwatched(self) -> None:
        for name in [name for name in self._differs if not self.watches(name)]:
            del self._differs[name]

    def _served(self, name: str) -> Served:
        return self._snapshot.served(self.type_url, name, self._node_id)

    @abstractmethod
    def update(self, request: Request, *, first: bool, doubtful: frozenset[str]) -> None:
        """Apply what a request says about the subscription.

        `first` is the first request of this type on the stream, which may tell what the client
        holds; `doubtful` are the names that an earlier stream of the client left unclear.
        """

    @abstractmethod
    def _encode(self, sent: Changes, nonce: str) -> Encoded: ...


def version_of(served: Served) -> str | None:
    """The version of a resource, None where there is none."""
    return served.version if isinstance(served, Resource) else None
