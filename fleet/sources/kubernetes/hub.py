"""Reads the hub: gateways, Ingresses, their certificates, and the Secrets that name members."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Never

from fleet.events import Emit, Event, Listed, Refused, Unreachable
from fleet.kinds import SECRET, Kinds
from fleet.kubernetes.collection import Collection
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.members import Roster, draw_up
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.references import SecretUse
from fleet.sources.kubernetes.member_secrets import MemberSecrets, collections
from fleet.sources.kubernetes.needs import Needs
from fleet.sources.kubernetes.objects import Objects
from fleet.sources.kubernetes.reading import Connect, OriginReader, OriginState
from fleet.sources.kubernetes.secret_watches import SecretWatches
from fleet.sources.kubernetes.secrets import ReferencedSecrets


class HubReader:
    """Emits the objects of the hub.

    `on_change` is called when `needs` or `roster` may have changed. Both are complete once
    `is_listed`; then `on_change` is called before Listed is emitted for the first time.

    `reserved` are members that no Secret can name. Secrets name members in the namespace `home` and
    in `trusted` ones. References to Secrets are followed in the namespaces that are `followed`, or
    in all namespaces if that is empty. If the hub answers about no Secret for `patience`, that is a
    problem of the objects that reference those which are awaited.
    """

    def __init__(
        self,
        connect: Connect,
        kinds: Kinds,
        home: str,
        reserved: Iterable[str],
        trusted: Iterable[str],
        followed: Iterable[str],
        emit: Emit,
        on_change: Callable[[], None],
        patience: timedelta,
    ) -> None:
        self.needs = Needs(kinds)
        self.roster = Roster()
        self.is_listed = False
        self._home = home
        self._reserved = frozenset(reserved)
        self._emit = emit
        self._on_change = on_change
        self._use = SecretUse()
        self._state: OriginState | None = None
        self._announced: OriginState | None = None
        self._reading = OriginReader(HUB, connect, self._take_state)
        named = collections(home, sorted(set(trusted)))
        self._naming = {secrets: MemberSecrets(secrets, self._redraw) for secrets in named}
        self._complaints: dict[Ref, tuple[Problem, ...]] = {}
        self._secrets = ReferencedSecrets(emit, self._complete, self._use.users, patience)
        self._watches = SecretWatches(self._reading, self._secrets, followed)
        declaring = (kind for kind in kinds.values() if kind.on_hub and kind is not SECRET)
        objects = {
            collection: Objects(collection, HUB, self._hear)
            for collection in map(Collection, declaring)
        }
        self._deciding = (*objects, *self._naming)
        for collection, content in objects.items():
            self._reading.follow(collection, content)
        for collection, naming in self._naming.items():
            # In its own namespace fleetgate needs these rights: a denial there counts as an outage.
            is_own = collection.namespace == home
            self._reading.follow(collection, naming, None if is_own else naming.deny)

    @property
    def loads(self) -> int:
        """How often a collection was read as a whole."""
        return self._reading.loads

    async def run(self) -> Never:
        """Read until cancelled."""
        await self._reading.run(beside=self._fetch_secrets)

    async def refresh(self) -> None:
        """Return when every object that existed at the call was emitted, or the hub is unreachable.

        Ingresses are read before Secrets, since they decide which Secrets are read.
        """
        await self._reading.refresh(self._deciding)
        if watched := self._watches.collections:
            await self._reading.refresh(watched)

    def retire(self) -> None:
        """End all calls of `refresh`, since `run` will not run again."""
        self._reading.retire()
        self._secrets.retire()

    async def _fetch_secrets(self, server: ApiServer) -> Never:
        await self._secrets.run(server, self._watches.wake)

    def _hear(self, events: Sequence[Event]) -> None:
        """Pass on events about objects, and read the Secrets that these objects reference.

        Secrets are awaited before it is known that an object references them.
        """
        turned: set[Ref] = set()
        for event in events:
            turned |= self._use.note(event)
            self.needs.note(event)
        if turned:
            self._watches.need(ref for ref in turned if ref in self._use)
        self._emit(events)
        if turned:
            self._watches.drop(ref for ref in turned if ref not in self._use)
        self._secrets.users_changed()
        self._on_change()

    def _redraw(self) -> None:
        """Draw up the roster again, and emit what has changed of the Secrets' problems."""
        pairs = [pair for naming in self._naming.values() for pair in naming.claims]
        # A Secret may have the labels of several shapes, and then it is in several collections.
        claims = {secret.ref: (secret, claimed) for secret, claimed in pairs}.values()
        self.roster = draw_up(claims, self._home, self._reserved)
        before, now = self._complaints, dict(self.roster.problems)
        for naming in self._naming.values():
            now |= {problem.at: (problem,) for problem in naming.problems}
        self._complaints = now
        events = [
            Refused(ref, now.get(ref, ()))
            for ref in sorted(before.keys() | now.keys())
            if before.get(ref) != now.get(ref)
        ]
        if events:
            self._emit(events)
        self._on_change()

    def _take_state(self, state: OriginState) -> None:
        self._state = state
        if isinstance(state, Unreachable):
            self._announced = state
            self._emit([state])
        else:
            self._complete()

    def _complete(self) -> None:
        """Emit Listed once all objects and all referenced Secrets have been read."""
        if not isinstance(self._state, Listed) or not self._secrets.is_complete:
            return
        if not self.is_listed:
            self.is_listed = True
            self._on_change()
        if self._announced != self._state:
            self._announced = self._state
            self._emit([self._state])
