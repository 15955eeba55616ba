"""Watches the Secrets that Ingresses reference, with few rights and few connections.

    a few Secrets                one watch for each, by its name
    more, in a few namespaces    one watch for each of these namespaces
    more                         one watch for the hub, or one for each namespace if RBAC forbids it

fleetgate needs no right to list the Secrets of the whole hub: it tries to only if many Secrets are
referenced, and a refusal does no harm. If RBAC permits to read a few Secrets and not to watch them,
they are read again from time to time. A Secret that RBAC does not permit to read is a problem of
the Ingresses that reference it.
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
from fleet.sources.kubernetes.reading import OriginReader
from fleet.sources.kubernetes.secrets import SECRETS, ReferencedSecrets

log = logging.getLogger(__name__)

_DENIED: Final = 300.0
"""Seconds until a watch of a namespace is tried again after RBAC has forbidden it."""

_SECRET: Final = SECRET


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """The numbers of Secrets, and of namespaces, beyond which wider watches are used."""

    by_name: int = 64
    by_namespace: int = 64


class SecretWatches:
    """Watches the Secrets that are needed, as collections that `reading` follows.

    References are followed in these `namespaces`, or in all namespaces if that is empty.
    """

    def __init__(
        self,
        reading: OriginReader,
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
        """The collections that are watched."""
        return list(self._watches)

    def need(self, secrets: Iterable[Ref]) -> None:
        """Read and watch these Secrets from now on. O(these Secrets + watches)."""
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
        """Stop watching these Secrets, and forget them. O(these Secrets + watches)."""
        gone = list(secrets)
        for ref in gone:
            self._needed.discard(ref)
            self._by_namespace[ref.namespace].discard(ref)
            if not self._by_namespace[ref.namespace]:
                del self._by_namespace[ref.namespace]
        self._secrets.drop(gone)
        self._settle()

    def wake(self) -> None:
        """Make all collections be read again at once."""
        for collection in self._watches:
            self._reading.wake(collection)

    def _settle(self) -> None:
        """Start the watches that are wanted, and end all others."""
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
        """The watches that there should be, each with the Secrets that it covers.

        Narrower watches come back only once the count is well below their limit.
        """
        limits, namespaces = self._limits, self._by_namespace
        self._is_by_name = _fits(len(self._needed), limits.by_name, fitted=self._is_by_name)
        if self._is_by_name:
            self._is_hub_closed = False  # rights may have changed when the hub is tried again
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
        """Note why RBAC does not permit to watch or list a collection, "" if it does.

        Gives the seconds until the next attempt.
        """
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
    """One watch and the needed Secrets that it covers.

    `is_of_one` is whether it watches a single Secret by its name. `denied` is the reason why RBAC
    does not permit it, or "".
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
        """Whether no covered Secret has been read."""
        return not self._secrets.holds(self.covered)

    async def load(self, server: ApiServer) -> str:
        """Read all covered Secrets, each by a request, and give the position for the watch.

        Raises Refusal and Unreached.
        """
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
        """Take in a change of a Secret."""
        self._secrets.take(change)


def _fits(count: int, limit: int, *, fitted: bool) -> bool:
    return count <= (limit if fitted else limit * 3 // 4)


def _by_name(ref: Ref) -> Collection:
    return Collection(_SECRET, ref.namespace, field_selector=f"metadata.name={ref.name}")


def _in_namespace(namespace: str) -> Collection:
    return Collection(_SECRET, namespace, field_selector=SECRETS.field_selector)
