"""The hub: gateways, Ingresses and their certificates, and who the members are."""

from collections.abc import Callable, Iterable, Sequence
from typing import Never

from fleet.events import Event, Listed, Refused, Unreachable
from fleet.kinds import SECRET, Kinds
from fleet.kubernetes.collection import Collection
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.members import Roster, draw_up
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.references import SecretUse
from fleet.sources.kubernetes.member_secrets import MemberSecrets, collections
from fleet.sources.kubernetes.needs import Needs
from fleet.sources.kubernetes.objects import Objects, Say
from fleet.sources.kubernetes.reading import Connect, OriginState, Reading
from fleet.sources.kubernetes.secret_watches import SecretWatches
from fleet.sources.kubernetes.secrets import ReferencedSecrets


class Hub:
    """Says what the hub declares.

    `on_change` is called when `needs` or `roster` may have changed. They are complete when
    `is_listed`; `on_change` comes just before the hub is said to be listed for the first time.
    `reserved` are members that no Secret can name; `trusted` are namespaces whose Secrets name
    members, beside `home`; `followed` those in which references to Secrets are followed, all of
    them where none is named.
    """

    def __init__(
        self,
        connect: Connect,
        kinds: Kinds,
        home: str,
        reserved: Iterable[str],
        trusted: Iterable[str],
        followed: Iterable[str],
        say: Say,
        on_change: Callable[[], None],
    ) -> None:
        self.needs = Needs(kinds)
        self.roster = Roster()
        self.is_listed = False
        self._home = home
        self._reserved = frozenset(reserved)
        self._say = say
        self._on_change = on_change
        self._use = SecretUse()
        self._standing: OriginState | None = None
        self._told: OriginState | None = None
        self._reading = Reading(HUB, connect, self._stand)
        named = collections(home, sorted(set(trusted)))
        self._naming = {each: MemberSecrets(each, self._redraw) for each in named}
        self._complaints: dict[Ref, tuple[Problem, ...]] = {}
        self._secrets = ReferencedSecrets(say, self._complete, self._use.users)
        self._watches = SecretWatches(self._reading, self._secrets, followed)
        declaring = (kind for kind in kinds.values() if kind.on_hub and kind is not SECRET)
        objects = {each: Objects(each, HUB, self._hear) for each in map(Collection, declaring)}
        self._deciding = (*objects, *self._naming)
        for collection, content in objects.items():
            self._reading.follow(collection, content)
        for collection, naming in self._naming.items():
            is_own = collection.namespace == home  # what is read there is more than that
            self._reading.follow(collection, naming, None if is_own else naming.deny)

    @property
    def loads(self) -> int:
        """How often a collection was read as a whole."""
        return self._reading.loads

    async def run(self) -> Never:
        """Read until cancelled."""
        await self._reading.run(beside=self._fetch_secrets)

    async def refresh(self) -> None:
        """Return when what was declared at the time of the call has been said, or that it is lost.

        Ingresses come first: they decide which Secrets are read.
        """
        await self._reading.refresh(self._deciding)
        if watched := self._watches.collections:
            await self._reading.refresh(watched)

    def retire(self) -> None:
        """Keep nobody waiting: it will not run again."""
        self._reading.retire()

    async def _fetch_secrets(self, server: ApiServer) -> Never:
        await self._secrets.run(server, self._watches.wake)

    def _hear(self, events: Sequence[Event]) -> None:
        """Say what objects have become, and see to what follows from it."""
        turned: set[Ref] = set()
        for event in events:
            turned |= self._use.note(event)
            self.needs.note(event)
        self._say(events)
        if turned:
            self._watches.need(ref for ref in turned if ref in self._use)
            self._watches.drop(ref for ref in turned if ref not in self._use)
        self._secrets.users_changed()
        self._on_change()

    def _redraw(self) -> None:
        """Draw up the roster again; complaints about Secrets are said or settled."""
        found = [pair for each in self._naming.values() for pair in each.claims]
        # One Secret may have the labels of several shapes.
        claims = {secret.ref: (secret, claimed) for secret, claimed in found}.values()
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
            self._say(events)
        self._on_change()

    def _stand(self, standing: OriginState) -> None:
        self._standing = standing
        if isinstance(standing, Unreachable):
            self._told = standing
            self._say([standing])
        else:
            self._complete()

    def _complete(self) -> None:
        """Say that the hub has been listed, once that goes for the Secrets that it needs too."""
        if not isinstance(self._standing, Listed) or not self._secrets.is_complete:
            return
        if not self.is_listed:
            self.is_listed = True
            self._on_change()
        if self._told != self._standing:
            self._told = self._standing
            self._say([self._standing])
