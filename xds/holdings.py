"""What one client has of one type: the names that it watches, what it holds of them, and doubts.

A client in sync holds exactly what its snapshot declares for it, so only exceptions are kept:

    publish ──▶ differs[name] = what the client holds ──▶ flight ── ACK ──▶ (gone, or differs again)
                     ▲                                       │
                     └──────────── UNSURE ◀──────── NACK ────┘

Changes merge by name while a response is in flight; nothing queues.

A client that has just subscribed holds nothing, so every name differs. One flag says so, and the
client is told the Whole that all such clients share. No other module sees the flag: it is spelled
out, name by name, as soon as a single name matters. So a thousand streams that are in sync, or have
just subscribed, cost a thousand empty dicts, however many resources there are.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from xds.changes import NO_CHANGES, Changes
from xds.resource import Resource
from xds.snapshot import WITHHELD, Snapshot, Target, version_of
from xds.subscribed_names import SubscribedNames


class Doubt(Enum):
    """Why the server does not know what a client holds under a name."""

    ASKED = auto()  # the client has just subscribed to the name, and waits for an answer
    UNSURE = auto()  # the client may have applied a part of a rejected response
    LATE = auto()  # a Cluster must not warm any longer: the client is told the prelude


Held: TypeAlias = str | Doubt | None
"""What a client holds under a name: a version, a doubt, or None for nothing."""

_NOTHING: Final[Mapping[str, Held]] = {}


@dataclass(frozen=True, slots=True)
class Flight:
    """A response that is not acknowledged yet; `serial` orders the responses of a stream.

    `before` is what the client held of the names sent; a name that is not in it was not held.
    """

    serial: int
    sent: Changes
    before: Mapping[str, Held]

    @property
    def nonce(self) -> str:
        """The nonce of the response."""
        return str(self.serial)


class Holdings:
    """What one client has of one type."""

    __slots__ = (
        "_holds_nothing",
        "_node_id",
        "_snapshot",
        "_spelled",
        "_type_url",
        "flight",
        "names",
        "wildcard",
    )

    def __init__(self, type_url: str, snapshot: Snapshot, node_id: str) -> None:
        self.wildcard = False
        self.names = SubscribedNames(snapshot.names)
        self.flight: Flight | None = None
        self._type_url = type_url
        self._snapshot = snapshot
        self._node_id = node_id
        self._holds_nothing = False
        self._spelled: dict[str, Held] = {}

    # What the client has.

    @property
    def _differs(self) -> dict[str, Held]:
        """What the client holds of each name of which it shall hold something else, or may."""
        if self._holds_nothing:
            self._holds_nothing = False
            if self.wildcard:
                self._spelled = dict.fromkeys(self._snapshot.declared(self._type_url))
            else:
                self._spelled = dict.fromkeys(self.names, Doubt.ASKED)
        return self._spelled

    @property
    def _in_flight(self) -> Mapping[str, Resource | None]:
        return self.flight.sent if self.flight else {}

    @property
    def _is_new(self) -> bool:
        """Whether the client watches nothing, and nothing is on its way."""
        return not (self.wildcard or self.names or self.flight or self._differs)

    def watches(self, name: str) -> bool:
        """Whether the client wants to know of this name."""
        return self.wildcard or name in self.names

    def holds(self, name: str) -> Held:
        """What the client has acknowledged under a name."""
        if name in self._differs:
            return self._differs[name]
        if self.flight and name in self.flight.sent:
            return self.flight.before.get(name)
        return version_of(self._target(name))

    def is_asked(self, name: str) -> bool:
        """Whether the client waits for an answer about this name, be it that nothing is there."""
        return self._differs.get(name) is Doubt.ASKED

    def differing(self) -> Collection[str]:
        """The names of which the client shall hold something else, or may."""
        return self._differs.keys()

    def doubtful(self) -> frozenset[str]:
        """The names that the client's next stream has to be told, whatever the client says."""
        if self._holds_nothing:
            return frozenset()
        return frozenset(n for n, held in self._differs.items() if held is Doubt.UNSURE)

    def acknowledged(self) -> int:
        """How many resources the client has acknowledged. O(names watched)."""
        names: Iterable[str] = self.names
        if self.wildcard:
            declared = self._snapshot.declared(self._type_url)
            names = {*declared, *self._differs, *self._in_flight}
        return sum(isinstance(self.holds(name), str) for name in names)

    def unacknowledged(self) -> Iterator[str]:
        """The names of which the client has not acknowledged what is declared."""
        declared = self._snapshot.declared(self._type_url)
        known = dict.fromkeys((*self._differs, *self._in_flight))
        for name in known:
            held, wanted = self.holds(name), declared.get(name)
            if not self.watches(name) or held == version_of(wanted):
                continue
            if wanted is not None or held is not Doubt.ASKED:
                yield name
        for rejection in self._snapshot.verdicts.of(self._type_url):
            name = rejection.name
            if name in known or not self.watches(name):
                continue
            if self.holds(name) != rejection.version:
                yield name

    # What the client is to be told.

    def differs(self) -> Changes:
        """What the client shall be told beyond what is in flight. O(names that differ)."""
        if self._holds_nothing and (whole := self._whole()) is not None:
            return whole
        if not self._differs:
            return NO_CHANGES
        found: dict[str, Resource | None] = {}
        settled = set()
        declared = self._snapshot.declared(self._type_url)
        disputed = self._snapshot.disputed(self._type_url)
        for name, held in self._decided(declared).items():
            wanted = declared.get(name)
            if name in disputed:
                target = self._target(name)
                if target is WITHHELD:
                    if held is Doubt.ASKED:
                        found[name] = None
                    continue
                wanted = target
            if held == (wanted.version if wanted else None):
                settled.add(name)
            elif name not in disputed or held != declared[name].version:
                # A version that another client has rejected is not taken from this one.
                found[name] = wanted.prelude or wanted if wanted and held is Doubt.LATE else wanted
        if settled:
            self._settle(settled)
        return Changes(found)

    def _decided(self, declared: Container[str]) -> Mapping[str, Held]:
        """The names that differ, but those of which is not known yet whether they are absent."""
        if self._type_url not in self._snapshot.undecided:
            return self._differs
        return {name: held for name, held in self._differs.items() if name in declared}

    def _whole(self) -> Changes | None:
        """All that is declared, where the client watches just that."""
        whole = self._snapshot.whole(self._type_url)
        if whole is None or self.wildcard:
            return whole
        names = self.names.shared
        return whole if names is not None and whole.has_names(names) else None

    # What happens.

    def mark(self, name: str, before: Target) -> None:
        """Note that the target of a name was `before` until now. O(1)."""
        if self._holds_nothing or not self.watches(name):
            return
        # What is in flight is compared when it is acknowledged.
        if name not in self._differs and name not in self._in_flight:
            self._differs[name] = version_of(before)

    def repeat(self, names: Iterable[str]) -> None:
        """Have resources sent once more, changed or not."""
        differs = self._differs
        for name in names:
            if differs.get(name) is Doubt.ASKED or not self.watches(name):
                continue
            if isinstance(self._target(name), Resource):
                differs[name] = Doubt.UNSURE

    def hurry(self, names: Iterable[str]) -> None:
        """Have the preludes of resources told first. Names without one stay as they are."""
        banned = self._snapshot.is_banned
        for name in names:
            target = self._target(name)
            prelude = target.prelude if isinstance(target, Resource) else None
            if prelude is None or not self.watches(name):
                continue
            if not banned(self._type_url, prelude, self._node_id):
                self._differs[name] = Doubt.LATE

    def send(self, sent: Changes, serial: int) -> None:
        """Note that a response is in flight."""
        if self._holds_nothing and self._snapshot.is_whole(self._type_url, sent):
            before, self._holds_nothing = _NOTHING, False
        else:
            differs = self._differs
            before = {name: differs[name] if name in differs else self.holds(name) for name in sent}
            self._settle(sent)
        self.flight = Flight(serial, sent, before)

    def take_acknowledgement(self) -> None:
        """Note that the client has accepted the response in flight."""
        flight, self.flight = self.flight, None
        if flight is None or self._snapshot.is_whole(self._type_url, flight.sent):
            return  # the client holds what is declared
        differs = self._differs
        for name, resource in flight.sent.items():
            if name in differs or not self.watches(name):
                continue
            version = resource.version if resource else None
            if version != version_of(self._target(name)):
                differs[name] = version

    def take_rejection(self) -> Changes:
        """Note that the client has refused the response in flight; gives what it told to hold."""
        flight, self.flight = self.flight, None
        if flight is None:
            return NO_CHANGES
        upserts = flight.sent.upserts()
        for name, resource in flight.sent.items():
            if self.watches(name):
                # Removals that are rejected by themselves cannot be told any better: they are
                # taken as done.
                self._differs[name] = Doubt.UNSURE if resource or upserts else None
        return upserts

    def take_as_held(self) -> None:
        """Note that the client holds all that it shall hold."""
        self._holds_nothing, self._spelled = False, {}

    def take_as_gone(self, names: Iterable[str]) -> None:
        """Note that the client holds nothing under names that it cannot be told are gone."""
        for name in names:
            self._differs[name] = None

    def resume(self, held: Mapping[str, str], unclear: frozenset[str]) -> None:
        """Take what a reconnecting client says that it holds; `unclear` names are sent anyway."""
        versions = self._snapshot.target_versions(self._type_url, self._node_id)
        differs = {name: each for name, each in self._differs.items() if name not in held}
        for name, version in held.items():
            if name in unclear:
                if self.watches(name):
                    differs[name] = Doubt.UNSURE
            elif versions.get(name) != version and self.watches(name):
                differs[name] = version
        self._spelled = differs

    # What the client watches.

    def subscribe(self, names: Collection[str]) -> None:
        """Watch more names; each of them is answered."""
        if not names:
            return
        is_new = self._is_new
        self.names.add(names)
        if is_new and self.names.shared is not None:
            self._holds_nothing = True
        else:
            self._differs.update(dict.fromkeys(names, Doubt.ASKED))

    def unsubscribe(self, names: Iterable[str]) -> Collection[str]:
        """Watch these names no more, but by a wildcard; gives those that were subscribed to."""
        known = [name for name in names if name in self.names]
        self.names.remove(known)
        for name in known:
            if not self.watches(name):
                self._differs.pop(name, None)
        return known

    def ask(self, names: Iterable[str]) -> None:
        """Have names answered once more, be it that nothing is there."""
        self._differs.update(dict.fromkeys(names, Doubt.ASKED))

    def subscribe_to_all(self) -> None:
        """Watch whatever is declared."""
        if self.wildcard:
            return
        if self._is_new:
            self._holds_nothing = True
        else:
            for name in self._snapshot.declared(self._type_url):
                if name not in self.names and name not in self._in_flight:
                    self._differs.setdefault(name, None)
        self.wildcard = True

    def unsubscribe_from_all(self) -> None:
        """Watch the subscribed names only."""
        if not self.wildcard:
            return
        differs = self._differs  # spelled out while it is known what is watched
        self.wildcard = False
        for name in [name for name in differs if not self.watches(name)]:
            del differs[name]

    def _settle(self, names: Container[str]) -> None:
        """Forget what differed under names. A new dict, because an emptied one stays as large."""
        self._spelled = {n: held for n, held in self._differs.items() if n not in names}

    def _target(self, name: str) -> Target:
        return self._snapshot.target(self._type_url, name, self._node_id)
