"""One group: its snapshot, and the streams that follow it.

When the target of a client changes, its stream is told here, by a mark.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from xds.changes import Changes
from xds.follower import Follower
from xds.on_demand import NO_STAND_INS, OnDemand, StandIns
from xds.resource import Resource, TypeUrl, Update
from xds.snapshot import Snapshot, Target
from xds.views import Unacknowledged

_LATE: Final = "not acknowledged yet"
_KEPT: Final = "kept until what was rejected is replaced: what is served instead may lead to it"


class Group:
    """A snapshot and its streams. `published` says that its content is declared, be it empty."""

    def __init__(
        self, snapshot: Snapshot, stand_ins: Mapping[TypeUrl, StandIns] = NO_STAND_INS
    ) -> None:
        self.snapshot = snapshot
        self._on_demand: Mapping[str, OnDemand] = {t: OnDemand(r) for t, r in stand_ins.items()}
        self.followers: dict[Follower, None] = {}
        self.published = False

    def publish(self, update: Update, versions: Mapping[TypeUrl, str]) -> bool:
        """Declare resources, and tell the streams; False if all of it was so before."""
        is_first = not self.published
        news = is_first
        self.published = True
        for type_url, version in versions.items():
            news |= self._number(type_url, version)
        for type_url, named in update.items():
            declared = self.snapshot.declared(type_url)
            before = declared.keys() & named.keys()
            for name, resource in named.items():
                news |= self._declare(type_url, name, resource)
            if on_demand := self._on_demand.get(type_url):
                self._make(type_url, on_demand.follow(named, before, declared))
        if is_first:
            for asked in self._on_demand:
                for follower in self.followers:
                    self.ask(asked, follower.names(asked))
        if news:
            for follower in self.followers:
                follower.wake()
        return news

    def undecide(self, types: frozenset[str]) -> None:
        """Tell no client that a name of these types is absent, until told otherwise."""
        if types != self.snapshot.undecided:
            self.snapshot.undecided = types
            for follower in self.followers:
                follower.wake()

    def ask(self, type_url: str, names: Iterable[str]) -> None:
        """Make the resources of names that clients ask for, where a rule has a stand-in."""
        if on_demand := self._on_demand.get(type_url):
            self._make(type_url, on_demand.ask(names, self.snapshot.declared(type_url)))

    def _make(self, type_url: str, made: Iterable[tuple[str, Resource | None]]) -> None:
        """Declare what was made, and tell the streams."""
        changed = [self._declare(type_url, name, resource) for name, resource in made]
        if any(changed):
            for follower in self.followers:
                follower.wake()

    def _number(self, type_url: str, version: str) -> bool:
        if self.snapshot.versions.get(type_url) == version:
            return False
        self.snapshot.versions[type_url] = version
        for follower in self.followers:
            follower.renumber(type_url)
        return True

    def _declare(self, type_url: str, name: str, resource: Resource | None) -> bool:
        snapshot = self.snapshot
        if snapshot.was_rejected(type_url, name):
            befores = self._targets(type_url, name)
            if not snapshot.declare(type_url, name, resource):
                return False
            for follower, target in befores.items():
                follower.mark(type_url, name, target)
            return True
        before = snapshot.declared(type_url).get(name)
        if not snapshot.declare(type_url, name, resource):
            return False
        for follower in self.followers:
            follower.mark(type_url, name, before)
        return True

    def confirm(self, type_url: str, sent: Changes) -> None:
        """Note that a client has acknowledged a response."""
        for resource in self.snapshot.unconfirmed(type_url, sent):
            self._confirm(type_url, resource)

    def _confirm(self, type_url: str, resource: Resource) -> None:
        snapshot, name = self.snapshot, resource.name
        if snapshot.is_good(type_url, resource) or not snapshot.was_rejected(type_url, name):
            snapshot.confirm(type_url, resource)
            return
        befores = self._targets(type_url, name)
        snapshot.confirm(type_url, resource)
        self._mark_differing(type_url, name, befores)

    def reject(self, node_id: str, type_url: str, culprit: Resource, message: str) -> None:
        """Note that a client has rejected a resource that was alone in its response."""
        befores = self._targets(type_url, culprit.name)
        self.snapshot.reject(type_url, culprit, message, node_id)
        self._mark_differing(type_url, culprit.name, befores)

    def _targets(self, type_url: str, name: str) -> dict[Follower, Target]:
        return {f: self.snapshot.target(type_url, name, f.node_id) for f in self.followers}

    def _mark_differing(self, type_url: str, name: str, befores: Mapping[Follower, Target]) -> None:
        """Tell the streams whose target a verdict has changed."""
        for follower, before in befores.items():
            if self.snapshot.target(type_url, name, follower.node_id) is not before:
                follower.mark(type_url, name, before)
                follower.wake()

    def waiting(self) -> tuple[str, ...]:
        """The nodes that are told nothing until the group is published."""
        return tuple(f.node_id for f in self.followers if f.waits)

    def unacknowledged(self) -> Iterator[Unacknowledged]:
        """What clients have not acknowledged of what is declared for them, and why."""
        reason = self._reasons()
        for follower in self.followers:
            if follower.waits:
                continue  # nothing is declared for it
            for type_url, name in follower.unacknowledged():
                yield Unacknowledged(follower.node_id, type_url, name, reason(type_url, name))

    def _reasons(self) -> Callable[[TypeUrl, str], str]:
        """Why clients have not acknowledged a name; looked up once for all of them."""
        snapshot = self.snapshot
        refused = {(r.type_url, r.name): r.message for r in snapshot.verdicts.rejections}

        @cache
        def reason(type_url: TypeUrl, name: str) -> str:
            if message := refused.get((type_url, name)):
                return f"rejected: {message}"
            gone = name not in snapshot.declared(type_url)
            return _KEPT if gone and snapshot.verdicts.keeps(type_url, name) else _LATE

        return reason
