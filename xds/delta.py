"""The incremental variant of the protocol: a response tells what changed, and what is gone."""

from xds.changes import Changes
from xds.discovery import Request
from xds.resource import TypeUrl
from xds.subscription import NAMED_TYPES, NO_WILDCARD, WILDCARD, Encoded, Subscription


class DeltaSubscription(Subscription):
    """One type on one stream of the incremental variant."""

    __slots__ = ()

    def update(self, request: Request, *, first: bool, unclear: frozenset[str]) -> None:
        """Apply changes of the subscription; they count whatever the nonce says."""
        says_nothing = first and not request.names and not request.unsubscribed
        takes_all = WILDCARD in request.names and self.type_url not in NO_WILDCARD
        legacy_wildcard = says_nothing and self.type_url not in NAMED_TYPES
        self._unsubscribe(request)
        if legacy_wildcard or takes_all:
            self.answer_due = self.answer_due or not self.wildcard
            self._holdings.subscribe_to_all()
            self._holdings.subscribe([name for name in request.names if name != WILDCARD])
        else:
            self._holdings.subscribe(request.names)
        if first and request.held:
            self._resume(request, unclear)

    def _unsubscribe(self, request: Request) -> None:
        if WILDCARD in request.unsubscribed and self.type_url not in NO_WILDCARD:
            self._holdings.unsubscribe_from_all()
        known = self._holdings.unsubscribe(request.unsubscribed)
        if self.wildcard:
            # "The server must send it once more, or its removal": the client cannot know whether
            # the wildcard covers the name.
            self._holdings.ask(known)

    def _resume(self, request: Request, unclear: frozenset[str]) -> None:
        self.answer_due = False
        self._holdings.resume(request.held, unclear)
        if self.type_url == TypeUrl.SCOPED_ROUTE:
            # Another process may have poisoned what this client lacks (xds.variation).
            for name in self._holdings.differing():
                self._snapshot.mark_resent(name, again=False)

    def renumber(self) -> None:
        """Do nothing: a version alone is no news, because resources have versions of their own."""

    def _encode(self, sent: Changes, nonce: str) -> Encoded:
        version = self._given_version() or ""
        parts = self._snapshot.encoder.delta(self.type_url, sent, nonce, version)
        return Encoded(parts, len(sent.upserts()))
