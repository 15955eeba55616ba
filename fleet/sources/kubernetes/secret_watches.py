"""How the Secrets that are referenced are watched: by as few rights and connections as will do.

    a few Secrets                a watch for each, by its name
    more, in a few namespaces    a watch for each of these namespaces
    more                         one watch for the hub; where RBAC forbids that, as above

Nobody has to let fleetgate list the Secrets of the whole hub: that is tried only where there are
many, and a refusal costs nothing. A few Secrets that may be read and not watched are read now and
then; what may not be read is a problem of who references it.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Final

from fleet.kinds import SECRET
from fleet.kubernetes.collection import Collection, Forbidden, position_of
from fleet.kubernetes.connection import ApiServer
from fleet.kubernetes.watch import Change
from fleet.ref import Ref
from fleet.sources.kubernetes.reading import Reading
from fleet.sources.kubernetes.secrets import SECRETS, ReferencedSecrets

log = logging.getLogger(__name__)

_DENIED: Final = 300.0
"""Seconds until a watch of many Secrets is tried again that RBAC does not permit."""

_SECRET: Final = SECRET


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How many watches there may be before wider ones take their place."""

    by_name: int = 64
    by_namespace: int = 64


class SecretWatches:
    """Watches the Secrets that are needed, as collections of the hub's `reading`.

    `namespaces` are those in which references are followed; none means all of them.
    """

    def __init__(
        self,
        reading: Reading,
        secrets: ReferencedSecrets,
        namespaces: Iterable[str] = (),
        limits: WatchLimits | None = None,
    ) -> None:
        self._reading = reading
        self._secrets = secrets
        self._followed = frozenset(namespaces)
        self._limits = limits or WatchLimits()
        self._needed: set[Ref] = set()
        self._by_namespace: defaultdict[str, set[Ref]] = defaultdict(set)
        self._watches: dict[Collection, _Watch] = {}
        self._is_by_name = True
        self._is_by_namespace = True
        self._is_hub_closed = False

    @property
    def collections(self) -> list[Collection]:
        """What is watched now."""
        return list(self._watches)

    def need(self, secrets: Iterable[Ref]) -> None:
        """Have these from now on. O(these, and the watches)."""
        added: list[Ref] = []
        for ref in secrets:
            if self._followed and ref.namespace not in self._followed:
                named = ", ".join(sorted(self._followed))
                why = f"--secret-namespace names {named}, and not {ref.namespace}"
                self._secrets.complain(ref, why)
                continue
            added.append(ref)
            self._needed.add(ref)
            self._by_namespace[ref.namespace].add(ref)
        self._secrets.need(added)
        self._settle()
        for ref in added:
            watch = self._watch_of(ref)
            if watch.denied:
                self._secrets.deny([ref], watch.denied)
            elif watch.has_begun:
                self._secrets.watch([ref])

    def drop(self, secrets: Iterable[Ref]) -> None:
        """Forget these. O(these, and the watches)."""
        gone = list(secrets)
        for ref in gone:
            self._needed.discard(ref)
            self._by_namespace[ref.namespace].discard(ref)
            if not self._by_namespace[ref.namespace]:
                del self._by_namespace[ref.namespace]
        self._secrets.drop(gone)
        self._settle()

    def wake(self) -> None:
        """Have all of them read again now."""
        for collection in self._watches:
            self._reading.wake(collection)

    def _settle(self) -> None:
        """Have the watches that there should be, and no other ones."""
        wanted = self._wanted()
        for collection in self._watches.keys() - wanted.keys():
            self._secrets.unwatch(self._watches.pop(collection).covered)
            self._reading.leave(collection)
        for collection in wanted.keys() - self._watches.keys():
            covered = wanted[collection]
            watch = _Watch(self._secrets, collection, covered, is_of_one=self._is_by_name)
            self._watches[collection] = watch
            self._reading.follow(collection, watch, partial(self._denied, watch))

    def _wanted(self) -> Mapping[Collection, Set[Ref]]:
        """What each watch is to cover. A step back to narrower ones is made with some room."""
        limits, namespaces = self._limits, self._by_namespace
        self._is_by_name = _fits(len(self._needed), limits.by_name, fitted=self._is_by_name)
        if self._is_by_name:
            self._is_hub_closed = False  # another time, rights may be others
            return {_by_name(ref): {ref} for ref in self._needed}
        fitted = self._is_by_namespace
        self._is_by_namespace = _fits(len(namespaces), limits.by_namespace, fitted=fitted)
        if self._is_by_namespace or self._is_hub_closed:
            return {_in_namespace(name): covered for name, covered in namespaces.items()}
        return {SECRETS: self._needed}

    def _watch_of(self, ref: Ref) -> "_Watch":
        ways = (_by_name(ref), _in_namespace(ref.namespace), SECRETS)
        return next(self._watches[way] for way in ways if way in self._watches)

    def _denied(self, watch: "_Watch", why: str) -> float:
        """RBAC does not permit a watch, or the list that it begins from; "" where it does."""
        if why and watch.collection == SECRETS:
            log.info("Secrets are watched by namespace: %s", why)
            self._is_hub_closed = True
            self._settle()
        elif not watch.is_of_one:
            watch.denied = why
            if why:
                self._secrets.deny(watch.covered, why)
                return _DENIED
        return 0


class _Watch:
    """Some of the Secrets that are needed, which one watch covers; maybe one of them, by its name.

    `denied` says why RBAC does not permit it, "" while it does or that is not known.
    """

    def __init__(
        self,
        secrets: ReferencedSecrets,
        collection: Collection,
        covered: Set[Ref],
        *,
        is_of_one: bool,
    ) -> None:
        self.collection = collection
        self.covered = covered
        self.is_of_one = is_of_one
        self.has_begun = False
        self.denied = ""
        self._secrets = secrets

    @property
    def is_empty(self) -> bool:
        """Whether none of them is known."""
        return not self._secrets.holds(self.covered)

    async def load(self, server: ApiServer) -> str:
        """Read every one of them. O(covered) requests."""
        try:
            position = await position_of(server, self.collection)
        except Forbidden:
            if self.is_of_one:
                await self._secrets.read_again(server, frozenset(self.covered))
            raise
        await self._secrets.read_again(server, frozenset(self.covered))
        self.has_begun = True
        return position

    def change(self, change: Change) -> None:
        """Take in what has become of a Secret."""
        self._secrets.take(change)


def _fits(count: int, limit: int, *, fitted: bool) -> bool:
    return count <= (limit if fitted else limit * 3 // 4)


def _by_name(ref: Ref) -> Collection:
    return Collection(_SECRET, ref.namespace, field_selector=f"metadata.name={ref.name}")


def _in_namespace(namespace: str) -> Collection:
    return Collection(_SECRET, namespace, field_selector=SECRETS.field_selector)
