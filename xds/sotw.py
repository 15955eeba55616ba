"""The state-of-the-world protocol: each response of a full type holds everything.

Clusters, Listeners and scoped routes that a response leaves out are gone for the client. The other
types may come in parts, and cannot be removed: they leave with what refers to them.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from xds import discovery
from xds.discovery import Request
from xds.everything import Everything
from xds.resource import Resource, TypeUrl
from xds.snapshot import Snapshot
from xds.subscription import (
    NAMED_TYPES,
    WILDCARD,
    Changes,
    Doubt,
    Encoded,
    Subscription,
)

FULL_TYPES: Final = frozenset((TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.SCOPED_ROUTE))


class SotwSubscription(Subscription):
    """One type on one stream of the state-of-the-world protocol."""

    def __init__(self, type_url: str, snapshot: Snapshot, node_id: str) -> None:
        super().__init__(type_url, snapshot, node_id)
        self._full = type_url in FULL_TYPES
        self._named_once = False
        self._acknowledged: dict[str, Resource] | None = None  # of full types, all that it holds
        self._in_flight: dict[str, Resource] = {}
        self._answered = False

    def update(self, request: Request, *, first: bool, doubtful: frozenset[str]) -> None:
        """Apply the names; a client of this protocol is told everything anew, doubtful or not."""
        names = set(request.names) - {WILDCARD}
        self._named_once = self._named_once or bool(request.names)
        wildcard = WILDCARD in request.names or (
            not self._named_once and self.type_url not in NAMED_TYPES
        )
        new = {name for name in names if name not in self.names}
        changed = bool(new) or len(names) != len(self.names) or wildcard != self.wildcard
        self.names.remove([name for name in self.names if name not in names])
        if wildcard:
            self._watch_all()
        else:
            self._watch_all_no_more()
        self._watch(new)
        self._forget_unwatched()
        if changed and (first or self._full):
            self.answer_due = True
        given = self.type_url in self._snapshot.versions  # and says nothing of the content
        if first and wildcard and self._full and request.version and not given:
            self._resume(request.version)

    def _resume(self, version: str) -> None:
        """A reconnecting client that holds what is served now hears nothing."""
        content = {
            name: served
            for name in self._snapshot.declared(self.type_url)
            if isinstance(served := self._served(name), Resource)
        }
        if version == version_of_all(content.values()):
            self._acknowledged = content
            self._differs.clear()
            self.answer_due = False

    def changes(self) -> Changes:
        """As for all, but without the removals that the protocol cannot express."""
        found = super().changes()
        if self._full or isinstance(found, Everything):
            return found
        for name, resource in found.items():
            if resource is None and self._differs[name] is not Doubt.ASKED:
                self._differs[name] = None
        return {name: resource for name, resource in found.items() if resource is not None}

    def _is_urgent(self, name: str) -> bool:
        """As for all, but that something is not there cannot be said."""
        there = self._full or isinstance(self._served(name), Resource)
        return there and super()._is_urgent(name)

    def _encode(self, sent: Changes, nonce: str) -> Encoded:
        content = dict(self._acknowledged or {}) if self._full else {}
        for name, resource in sent.items():
            if resource is None:
                content.pop(name, None)
            else:
                content[name] = resource
        content = {name: resource for name, resource in content.items() if self.watches(name)}
        self._in_flight = content
        parts = [
            part
            for resource in content.values()
            for part in self._snapshot.sotw_entry(self.type_url, resource)
        ]
        version = self._given_version() or version_of_all(content.values())
        parts.append(discovery.sotw_tail(self.type_url, nonce, version))
        return Encoded(parts, len(content))

    def renumber(self) -> None:
        """A client of a full type is told the version, also where nothing else is new."""
        self.answer_due = self.answer_due or self._full

    def acknowledge(self) -> None:
        """The client has accepted the response in flight."""
        if self._full and self.flight:
            self._acknowledged = self._in_flight
            self._answered = True
        super().acknowledge()

    def reject(self, message: str) -> Resource | None:
        """The client has refused the response in flight."""
        if self._full and not self._answered and self.flight and any(self.flight.sent.values()):
            # It may hold what is gone: it has to hear of what there is, be it nothing.
            self.answer_due = True
        if self._full and self._acknowledged is None:
            # It may hold more from an earlier stream, which shorter responses would take away: what
            # others have acknowledged goes into each of them.
            self._acknowledged = {
                name: resource
                for name, resource in self._snapshot.good(self.type_url).items()
                if not self._snapshot.is_banned(self.type_url, resource, self._node_id)
            }
        return super().reject(message)


def version_of_all(resources: Iterable[Resource]) -> str:
    """The version_info of a response: equal content has equal versions on all replicas."""
    digest = blake2b(digest_size=8)
    for name, version in sorted((resource.name, resource.version) for resource in resources):
        digest.update(f"{name}\0{version}\0".encode())
    return digest.hexdigest()
