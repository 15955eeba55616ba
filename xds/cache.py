"""The snapshots of all groups, and the streams that follow them.

    publish(group, update) ──▶ Snapshot ──▶ mark ──▶ each stream of the group ──▶ wake

A group is what clients name as their `node.cluster`. Clients of a group that was never published
wait: if they were told that it is empty, they would give up what they have.
The cache is synchronous and belongs to one thread. A publish costs O(changed names x streams of the
group), below a microsecond each.
A cache can be filled with resources from any source: it takes names, bytes and versions.
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Final

from xds.changes import Changes
from xds.follower import Follower
from xds.group import Group
from xds.left_unclear import LeftUnclear, NamesByType
from xds.on_demand import NO_STAND_INS, StandIns
from xds.quarantine import Rejection
from xds.request_memo import RequestMemo
from xds.resource import Resource, TypeUrl, Update
from xds.snapshot import Snapshot
from xds.views import Backlog, ClientView, Traffic, Unacknowledged

OTHER_TYPES: Final = "other"
"""Stands in `traffic` for the types that clients ask for and that are none of TypeUrl."""

_TYPES: Final = frozenset(TypeUrl)


class SnapshotCache:
    """One Snapshot per group. `epoch` is unlike that of any earlier process (xds.variation).

    `stand_ins` are the rules of types whose resources are also made on demand (xds.on_demand).
    """

    def __init__(
        self, stand_ins: Mapping[TypeUrl, StandIns] = NO_STAND_INS, *, epoch: str | None = None
    ) -> None:
        self.requests = RequestMemo()
        self._stand_ins = stand_ins
        self._epoch = epoch or secrets.token_hex(4)
        self._groups: dict[str, Group] = {}
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next_callback = 0
        self._traffic: dict[str, Traffic] = {}
        self._left_unclear = LeftUnclear()
        self._undecided: frozenset[str] = frozenset()

    # What follows is for those who declare resources.

    def publish(
        self, group: str, update: Update, versions: Mapping[TypeUrl, str] | None = None
    ) -> None:
        """Declare resources of a group, or remove them; streams hear of it after this returns.

        `versions` give, for a type, what responses carry as `version_info` or
        `system_version_info` once they bring a client to what is declared then. A type that was
        given none has a hash of the content over state-of-the-world, and nothing over delta.
        """
        if self._group(group).publish(update, versions or {}):
            self._changed()

    def undecide(self, *types: TypeUrl) -> None:
        """Tell no client that a name of these types is absent, until this is called without them.

        It is for a start at which not all sources have been read. Clients that hold such a name
        keep it, and others wait.
        """
        self._undecided = frozenset(types)
        for group in self._groups.values():
            group.undecide(self._undecided)

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

    def is_published(self, group: str) -> bool:
        """Whether a group was published and not dropped."""
        found = self._groups.get(group)
        return found is not None and found.published

    def snapshot(self, group: str) -> Mapping[TypeUrl, Mapping[str, Resource]]:
        """What is declared for a group, rejected or not; nothing for an unknown group."""
        if group not in self._groups:
            return {}
        snapshot = self._groups[group].snapshot
        return {TypeUrl(t): snapshot.declared(t) for t in snapshot.types()}

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each publish, connect, first request of a type, disconnect, ACK, NACK.

        Gives a function that ends this. A callback is called from within a stream or a publish: it
        may note that something changed, and has to look at the cache later.
        """
        key = self._next_callback
        self._next_callback += 1
        self._callbacks[key] = callback

        def stop() -> None:
            self._callbacks.pop(key, None)

        return stop

    # What follows is for those who look at clients.

    def rejections(self, group: str) -> tuple[Rejection, ...]:
        """The resources of a group that are declared in a version that a client has rejected.

        The same object until something changes it.
        """
        found = self._groups.get(group)
        return found.snapshot.verdicts.rejections if found else ()

    def clients(self) -> tuple[ClientView, ...]:
        """All connected clients that have sent a request. O(resources that they hold)."""
        return tuple(follower.view() for follower in self._followers())

    def backlogs(self) -> tuple[Backlog, ...]:
        """What each connected client has still to acknowledge. O(that), not O(what they hold)."""
        return tuple(follower.backlog() for follower in self._followers())

    def waiting(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that are told nothing until their group is published, by group.

        O(groups, and clients of those that are not published).
        """
        found = {
            name: group.waiting() for name, group in self._groups.items() if not group.published
        }
        return {name: nodes for name, nodes in found.items() if nodes}

    def unacknowledged(
        self, group: str | None = None, most: int | None = None
    ) -> tuple[Unacknowledged, ...]:
        """What clients have not acknowledged of what is declared for them; None is all groups.

        `most` is how many are wanted, None for all.
        """
        groups = [each for name, each in self._groups.items() if group in (None, name)]
        found = (item for each in groups for item in each.unacknowledged())
        return tuple(islice(found, most))

    def served(self) -> int:
        """How many clients are connected whose group is published, or was."""
        return sum(not follower.waits for follower in self._followers())

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

    def _followers(self) -> Iterator[Follower]:
        return (follower for group in self._groups.values() for follower in group.followers)

    # What follows is for streams.

    def attach(self, group: str, follower: Follower) -> Snapshot:
        """Let a stream follow a group, which need not exist yet."""
        found = self._group(group)
        found.followers[follower] = None
        self._changed()
        return found.snapshot

    def detach(self, group: str, follower: Follower, unclear: NamesByType) -> None:
        """End that; `unclear` are the names that the client's next stream has to be told."""
        found = self._groups[group]
        found.followers.pop(follower, None)
        if not found.followers and not found.published:
            del self._groups[group]
        self._left_unclear.remember(group, follower.node_id, unclear)
        self._changed()

    def recall(self, group: str, node_id: str) -> NamesByType:
        """The names that an earlier stream of this client left unclear, by type; told once."""
        return self._left_unclear.recall(group, node_id)

    def ask(self, group: str, type_url: str, names: Collection[str]) -> None:
        """Make the resources of names that a client is about to subscribe to."""
        self._groups[group].ask(type_url, names)

    def subscribed(self) -> None:
        """Note that a client asks for a type for the first time.

        A client that holds all of the type has nothing to acknowledge, and is noticed by this.
        """
        self._changed()

    def sent(self, type_url: str, resources: int, length: int) -> None:
        """Count a response."""
        self._count(type_url, Traffic(1, resources, length))

    def confirm(self, group: str, type_url: str, sent: Changes) -> None:
        """Note that a client has acknowledged a response."""
        self._count(type_url, Traffic(acknowledged=1))
        self._groups[group].confirm(type_url, sent)
        self._changed()

    def refuse(
        self, group: str, node_id: str, type_url: str, culprit: Resource | None, message: str
    ) -> None:
        """Note that a client has rejected a response; `culprit` is a resource alone in it."""
        self._count(type_url, Traffic(rejected=1))
        if culprit is not None:
            self._groups[group].reject(node_id, type_url, culprit, message)
        self._changed()

    def refusal(self, group: str, type_url: str, node_id: str) -> str | None:
        """Why a client has rejected what is declared of a type now; None if it has not."""
        return self._groups[group].snapshot.verdicts.message_for(type_url, node_id)

    def _count(self, type_url: str, more: Traffic) -> None:
        kind = type_url if type_url in _TYPES else OTHER_TYPES
        self._traffic[kind] = self._traffic.get(kind, Traffic()) + more

    def _group(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(Snapshot(self._epoch), self._stand_ins)
            self._groups[name].undecide(self._undecided)
        return self._groups[name]

    def _changed(self) -> None:
        for callback in tuple(self._callbacks.values()):
            callback()
