"""The snapshots of all groups, and the streams that follow them.

    publish(group, update) ──▶ Snapshot ──▶ mark ──▶ each stream of the group ──▶ wake

A group is what clients name as their `node.cluster`. Clients of a group that was never published
wait: to be told that it is empty would take from them what they have. All of this is synchronous
and belongs to one thread; publish costs O(changed names x streams of the group), below a
microsecond each.
The cache can be filled by anybody who has names, bytes and versions.
"""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Final, Protocol

from xds.changes import Changes
from xds.quarantine import Rejection
from xds.request_memo import RequestMemo
from xds.resource import Resource, TypeUrl, Update
from xds.snapshot import Snapshot, Target
from xds.views import Backlog, ClientView, Missing, Traffic

log = logging.getLogger(__name__)

_LATE: Final = "not acknowledged yet"
_KEPT: Final = "kept until what was rejected is replaced: what is served instead may lead to it"
_REMEMBERED: Final = 10_000
_REMEMBERED_NAMES: Final = 500_000
"""Clients that left something unclear, and names of that; the oldest is forgotten first."""

OTHER_TYPES: Final = "other"
"""Stands in `traffic` for the types that clients ask for and nobody has."""

_TYPES: Final = frozenset(TypeUrl)


class Follower(Protocol):
    """A stream, as its cache sees it."""

    @property
    def node_id(self) -> str:
        """The client's node id."""
        ...

    def mark(self, type_url: str, name: str, before: Target) -> None:
        """Note that the snapshot serves something else than `before` now; O(1)."""
        ...

    def renumber(self, type_url: str) -> None:
        """Note that what is declared of a type has another version now, changed or not."""
        ...

    def wake(self) -> None:
        """Ask for responses soon; called after the marks of one publish."""
        ...

    def view(self) -> ClientView:
        """What the client holds."""
        ...

    def backlog(self) -> Backlog:
        """What the client has still to acknowledge."""
        ...

    def missing(self) -> Iterator[tuple[TypeUrl, str]]:
        """What is declared, subscribed to, and not acknowledged."""
        ...

    def listens(self) -> bool:
        """Whether the client has acknowledged all Listeners that are declared, at least one."""
        ...

    @property
    def waits(self) -> bool:
        """Whether the client is told nothing until its group is published."""
        ...


class _Group:
    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.followers: dict[Follower, None] = {}
        self.published = False


class SnapshotCache:
    """One Snapshot per group. `epoch` is unlike that of any earlier process (xds.variation)."""

    def __init__(self, *, epoch: str | None = None) -> None:
        self._epoch = epoch or secrets.token_hex(4)
        self.requests = RequestMemo()
        self._groups: dict[str, _Group] = {}
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next_callback = 0
        self._traffic: dict[str, Traffic] = {}
        self._doubtful: OrderedDict[tuple[str, str], Mapping[str, frozenset[str]]] = OrderedDict()
        self._doubtful_names = 0

    def publish(
        self, group: str, update: Update, versions: Mapping[TypeUrl, str] | None = None
    ) -> None:
        """Declare resources of a group, or remove them; streams hear of it after this returns.

        `versions` are for who wants to say, for a type, what responses carry as `version_info` or
        `system_version_info` once they bring a client to what is declared then. Without that it is
        a hash of the content over SotW, and nothing over delta.
        """
        found = self._group(group)
        news = not found.published
        found.published = True
        for type_url, version in (versions or {}).items():
            news |= _number(found, type_url, version)
        for type_url, named in update.items():
            for name, resource in named.items():
                news |= _declare(found, type_url, name, resource)
        if news:
            for follower in found.followers:
                follower.wake()
            self._changed()

    def drop(self, group: str) -> None:
        """Remove all resources of a group; its connected clients are told, in the usual order."""
        found = self._groups.get(group)
        if found is None:
            return
        gone = {
            TypeUrl(t): dict.fromkeys(found.snapshot.declared(t)) for t in found.snapshot.types()
        }
        self.publish(group, gone)
        found.snapshot.versions.clear()
        found.published = False
        if not found.followers:
            del self._groups[group]

    def groups(self) -> tuple[str, ...]:
        """The groups that were published and not dropped."""
        return tuple(name for name, group in self._groups.items() if group.published)

    def snapshot(self, group: str) -> Mapping[TypeUrl, Mapping[str, Resource]]:
        """What is declared for a group, rejected or not; nothing for an unknown group."""
        if group not in self._groups:
            return {}
        snapshot = self._groups[group].snapshot
        return {TypeUrl(t): snapshot.declared(t) for t in snapshot.types()}

    def rejections(self, group: str) -> tuple[Rejection, ...]:
        """The resources of a group that are declared in a version that a client has rejected.

        The same object until something changes it.
        """
        found = self._groups.get(group)
        return found.snapshot.verdicts.rejections if found else ()

    def clients(self) -> tuple[ClientView, ...]:
        """All connected clients that have said who they are. O(resources that they hold)."""
        return tuple(f.view() for group in self._groups.values() for f in group.followers)

    def backlogs(self) -> tuple[Backlog, ...]:
        """What each connected client has still to acknowledge. O(that), whatever they hold."""
        return tuple(f.backlog() for group in self._groups.values() for f in group.followers)

    def waiting(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that are told nothing until their group is published, by group.

        O(groups, and clients of those that are not published).
        """
        found = {
            name: tuple(f.node_id for f in group.followers if f.waits)
            for name, group in self._groups.items()
            if not group.published
        }
        return {name: nodes for name, nodes in found.items() if nodes}

    def is_published(self, group: str) -> bool:
        """Whether a group was published and not dropped."""
        found = self._groups.get(group)
        return found is not None and found.published

    def unacknowledged(
        self, group: str | None = None, most: int | None = None
    ) -> tuple[Missing, ...]:
        """What is declared now, subscribed to, and not acknowledged: by group, or of all.

        `most` is how many are wanted, None for all.
        """
        return tuple(islice(self._unacknowledged(group), most))

    def _unacknowledged(self, group: str | None) -> Iterator[Missing]:
        for name, each in self._groups.items():
            if group not in (None, name):
                continue
            reason = _reasons(each.snapshot)
            for follower in each.followers:
                if follower.waits:
                    continue  # nothing is declared for it
                for type_url, resource in follower.missing():
                    why = reason(type_url, resource)
                    yield Missing(follower.node_id, type_url, resource, why)

    def served(self) -> int:
        """How many clients are connected whose group is published, or was."""
        return sum(not f.waits for group in self._groups.values() for f in group.followers)

    def listens(self, group: str) -> bool:
        """Whether at least one connected client has acknowledged all Listeners of a group."""
        found = self._groups.get(group)
        return found is not None and any(follower.listens() for follower in found.followers)

    def followed(self, group: str) -> bool:
        """Whether a client of the group is connected."""
        found = self._groups.get(group)
        return found is not None and bool(found.followers)

    def traffic(self) -> Mapping[str, Traffic]:
        """What was sent and answered so far, by type; of all others together as OTHER_TYPES."""
        return dict(self._traffic)

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each publish, connect, first request of a type, disconnect, ACK, NACK.

        Gives the way to stop.

        Callbacks are made from within: they note that something changed, and look at it later.
        """
        key = self._next_callback
        self._next_callback += 1
        self._callbacks[key] = callback

        def stop() -> None:
            self._callbacks.pop(key, None)

        return stop

    # What follows is for streams.

    def attach(self, group: str, follower: Follower) -> Snapshot:
        """Let a stream follow a group, which need not exist yet."""
        found = self._group(group)
        found.followers[follower] = None
        self._changed()
        return found.snapshot

    def detach(
        self, group: str, follower: Follower, doubtful: Mapping[str, frozenset[str]]
    ) -> None:
        """End that; `doubtful` is what the client's next stream should hear again."""
        found = self._groups[group]
        found.followers.pop(follower, None)
        if not found.followers and not found.published:
            del self._groups[group]
        if doubtful and follower.node_id:
            self.recall(group, follower.node_id)
            self._doubtful[group, follower.node_id] = doubtful
            self._doubtful_names += _count_names(doubtful)
            while len(self._doubtful) > _REMEMBERED or self._doubtful_names > _REMEMBERED_NAMES:
                _, forgotten = self._doubtful.popitem(last=False)
                self._doubtful_names -= _count_names(forgotten)
        self._changed()

    def recall(self, group: str, node_id: str) -> Mapping[str, frozenset[str]]:
        """What an earlier stream of this client left unclear, by type; told once."""
        found = self._doubtful.pop((group, node_id), {})
        self._doubtful_names -= _count_names(found)
        return found

    def subscribed(self) -> None:
        """A client asks for a type: one that holds all of it will have nothing to acknowledge."""
        self._changed()

    def sent(self, type_url: str, resources: int, length: int) -> None:
        """Count a response."""
        self._count(type_url, Traffic(1, resources, length))

    def confirm(self, group: str, type_url: str, sent: Changes) -> None:
        """A client has acknowledged a response with these resources."""
        self._count(type_url, Traffic(acknowledged=1))
        found = self._groups[group]
        for resource in found.snapshot.unconfirmed(type_url, sent):
            _confirm(found, type_url, resource)
        self._changed()

    def refusal(self, group: str, type_url: str, node_id: str) -> str | None:
        """Why a client has rejected something of a type that is declared now, if it has."""
        return self._groups[group].snapshot.verdicts.message_for(type_url, node_id)

    def refuse(
        self, group: str, node_id: str, type_url: str, culprit: Resource | None, message: str
    ) -> None:
        """A client has rejected a response; `culprit` is its resource, where it had only one."""
        self._count(type_url, Traffic(rejected=1))
        if culprit is not None:
            found = self._groups[group]
            befores = _served(found, type_url, culprit.name)
            found.snapshot.reject(type_url, culprit, message, node_id)
            _compare(found, type_url, culprit.name, befores)
        self._changed()

    def _count(self, type_url: str, more: Traffic) -> None:
        kind = type_url if type_url in _TYPES else OTHER_TYPES
        self._traffic[kind] = self._traffic.get(kind, Traffic()) + more

    def _group(self, name: str) -> _Group:
        if name not in self._groups:
            self._groups[name] = _Group(Snapshot(self._epoch))
        return self._groups[name]

    def _changed(self) -> None:
        for callback in tuple(self._callbacks.values()):
            callback()


def _reasons(snapshot: Snapshot) -> Callable[[TypeUrl, str], str]:
    """Why clients of a group have not acknowledged a name; looked up once for all of them."""
    refused = {(r.type_url, r.name): r.message for r in snapshot.verdicts.rejections}

    @cache
    def reason(type_url: TypeUrl, name: str) -> str:
        if message := refused.get((type_url, name)):
            return f"rejected: {message}"
        gone = name not in snapshot.declared(type_url)
        return _KEPT if refused and gone and snapshot.verdicts.keeps(type_url, name) else _LATE

    return reason


def _declare(group: _Group, type_url: str, name: str, resource: Resource | None) -> bool:
    """Change one resource, and tell the streams; False if it was so before."""
    snapshot = group.snapshot
    if snapshot.was_rejected(type_url, name):
        befores = _served(group, type_url, name)
        if not snapshot.declare(type_url, name, resource):
            return False
        for follower, served in befores.items():
            follower.mark(type_url, name, served)
        return True
    before = snapshot.declared(type_url).get(name)
    if not snapshot.declare(type_url, name, resource):
        return False
    for follower in group.followers:
        follower.mark(type_url, name, before)
    return True


def _number(group: _Group, type_url: str, version: str) -> bool:
    """Give what is declared of a type a version; False if it has it."""
    if group.snapshot.versions.get(type_url) == version:
        return False
    group.snapshot.versions[type_url] = version
    for follower in group.followers:
        follower.renumber(type_url)
    return True


def _confirm(group: _Group, type_url: str, resource: Resource) -> None:
    snapshot = group.snapshot
    if snapshot.is_good(type_url, resource) or not snapshot.was_rejected(type_url, resource.name):
        snapshot.confirm(type_url, resource)
        return
    befores = _served(group, type_url, resource.name)
    snapshot.confirm(type_url, resource)
    _compare(group, type_url, resource.name, befores)


def _count_names(doubtful: Mapping[str, frozenset[str]]) -> int:
    return sum(map(len, doubtful.values()))


def _served(group: _Group, type_url: str, name: str) -> dict[Follower, Target]:
    return {f: group.snapshot.target(type_url, name, f.node_id) for f in group.followers}


def _compare(group: _Group, type_url: str, name: str, befores: Mapping[Follower, Target]) -> None:
    """Tell the streams for which a verdict has changed what is served."""
    for follower, before in befores.items():
        if group.snapshot.target(type_url, name, follower.node_id) is not before:
            follower.mark(type_url, name, before)
            follower.wake()
