"""The state-of-the-world variant of the protocol: a response of a full type holds all resources.

A client gives up the Clusters, Listeners and scoped routes that a response leaves out. Resources of
other types may come in parts, and cannot be removed: they leave with the resources that name them.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from xds.changes import Changes
from xds.discovery import Request
from xds.resource import Resource, TypeUrl
from xds.snapshot import Snapshot
from xds.subscription import NAMED_TYPES, NO_WILDCARD, WILDCARD, Encoded, Subscription

FULL_TYPES: Final = frozenset((TypeUrl.CLUSTER, TypeUrl.LISTENER, TypeUrl.SCOPED_ROUTE))


class SotwSubscription(Subscription):
    """One type on one stream of the state-of-the-world variant."""

    def __init__(self, type_url: str, snapshot: Snapshot, node_id: str) -> None:
        super().__init__(type_url, snapshot, node_id)
        self._full = type_url in FULL_TYPES
        self._named_once = False
        self._answered = False
        self._in_flight: dict[str, Resource] = {}
        self._content: dict[str, Resource] | None = None
        """Of a full type, all that the client has acknowledged: each response repeats it."""

    def update(self, request: Request, *, first: bool, unclear: frozenset[str]) -> None:
        """Apply the names. Doubts do not matter: a client of this variant is told all anew."""
        holdings = self._holdings
        takes_all = WILDCARD in request.names and self.type_url not in NO_WILDCARD
        names = set(request.names) - ({WILDCARD} if takes_all else set())
        self._named_once = self._named_once or bool(request.names)
        wildcard = takes_all or (not self._named_once and self.type_url not in NAMED_TYPES)
        new = {name for name in names if name not in holdings.names}
        changed = bool(new) or len(names) != len(holdings.names) or wildcard != holdings.wildcard
        holdings.unsubscribe([name for name in holdings.names if name not in names])
        if wildcard:
            holdings.subscribe_to_all()
        else:
            holdings.unsubscribe_from_all()
        holdings.subscribe(new)
        if changed and (first or self._full):
            self.answer_due = True
        given = self.type_url in self._snapshot.versions  # such a version tells no content
        if first and wildcard and self._full and request.version and not given:
            self._resume(request.version)

    def _resume(self, version: str) -> None:
        """Tell nothing to a reconnecting client that holds what it shall hold."""
        targets = (
            self._snapshot.target(self.type_url, name, self._node_id)
            for name in self._snapshot.declared(self.type_url)
        )
        content = {target.name: target for target in targets if isinstance(target, Resource)}
        if version == version_of_all(content.values()):
            self._content = content
            self._holdings.take_as_held()
            self.answer_due = False

    def changes(self) -> Changes:
        """The changes, without removals where the variant cannot express them."""
        found = super().changes()
        if self._full or not found.has_removals:
            return found
        asked = self._holdings.is_asked
        self._holdings.take_as_gone([name for name in found.removals() if not asked(name)])
        return found.upserts()

    def _encode(self, sent: Changes, nonce: str) -> Encoded:
        content = dict(self._content or {}) if self._full else {}
        for name, resource in sent.items():
            if resource is None:
                content.pop(name, None)
            else:
                content[name] = resource
        watches = self._holdings.watches
        content = {name: resource for name, resource in content.items() if watches(name)}
        self._in_flight = content
        version = self._given_version() or version_of_all(content.values())
        parts = self._snapshot.encoder.sotw(self.type_url, content.values(), nonce, version)
        return Encoded(parts, len(content))

    def renumber(self) -> None:
        """Tell the client of a full type the version, also where nothing else is new."""
        self.answer_due = self.answer_due or self._full

    def acknowledge(self) -> None:
        """Take the client's ACK of the response in flight."""
        if self._full and self.flight:
            self._content = self._in_flight
            self._answered = True
        super().acknowledge()

    def reject(self, message: str) -> Resource | None:
        """Take the client's NACK of the response in flight; gives a resource that was alone in it.

        After a first response that is rejected, a client may hold more from an earlier stream.
        """
        if self._full and not self._answered and self.flight and any(self.flight.sent.values()):
            # The client has to be told what is left, even if that is nothing: it may hold names
            # that are gone.
            self.answer_due = True
        if self._full and self._content is None:
            # Shorter responses would take away what the client holds: each of them repeats what
            # other clients have acknowledged.
            self._content = {
                name: resource
                for name, resource in self._snapshot.good(self.type_url).items()
                if not self._snapshot.is_banned(self.type_url, resource, self._node_id)
            }
        return super().reject(message)


def version_of_all(resources: Iterable[Resource]) -> str:
    """The version_info of a response. Equal content has equal versions on all replicas."""
    digest = blake2b(digest_size=8)
    for name, version in sorted((resource.name, resource.version) for resource in resources):
        digest.update(f"{name}\0{version}\0".encode())
    return digest.hexdigest()
