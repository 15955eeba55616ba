"""Certificates that fleetgate makes: one authority for all replicas, short-lived leaves."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import tenacity

from fleet.kubernetes.connection import Unreached
from fleetgate.certificates.credential import (
    Credential,
    client_credential,
    server_credential,
)
from fleetgate.certificates.gateway_uris import TRUST_DOMAIN, gateway_uri
from fleetgate.certificates.pair import utc_now
from fleetgate.certificates.roots import Lifetimes, Roots, renewed
from fleetgate.certificates.secret import RootsStore
from fleetgate.certificates.shown import Shown
from fleetgate.errors import OperatorError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MadeSettings:
    """What the server's certificate names (DNS names, IP addresses), and when to look for changes.

    `every` bounds how late a replica learns of an authority that another one has made; it is far
    below the life of a leaf, for which a new authority waits before it signs.
    """

    names: tuple[str, ...]
    trust_domain: str = TRUST_DOMAIN
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    every: timedelta = timedelta(minutes=10)


class MadeCertificates:
    """Made and renewed by fleetgate. `open` reads or makes the authority, `run` keeps at it.

    The server's certificate is each replica's own and never leaves it; the authority alone is
    shared. Gateways' certificates are made when they are asked for.
    """

    def __init__(
        self,
        store: RootsStore,
        settings: MadeSettings,
        roots: Roots,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._settings = settings
        self._roots = roots
        self._clock = clock
        names, lifetimes = settings.names, settings.lifetimes
        self.shown = Shown(server_credential(roots, names, clock(), lifetimes))
        self._clients: dict[str, Credential] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._complaint = ""

    @classmethod
    async def open(
        cls,
        store: RootsStore,
        settings: MadeSettings,
        clock: Callable[[], datetime] = utc_now,
    ) -> "MadeCertificates":
        """Share the fleet's authority, or make it if it is the first; waits for the store.

        Raises OperatorError where the store is refused to us or holds something else.
        """
        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Unreached),
            wait=tenacity.wait_random_exponential(0.5, max=10),
            before_sleep=_say_waiting,
        )
        roots: Roots = await attempts(_settled, store, settings.lifetimes, clock())
        return cls(store, settings, roots, clock)

    @property
    def trust(self) -> bytes:
        """The authorities that are trusted, PEM."""
        return self._roots.bundle

    def client_of(self, gateway: str, held: Credential | None = None) -> Credential:
        """The certificate with which Envoys of a gateway such as mse/shop come.

        The same object again as long as it is good, `held` too; ask again after `on_change`.
        Raises ValueError where the text is no gateway's name.
        """
        s = self._settings
        uri = gateway_uri(gateway, s.trust_domain)
        before = held or self._clients.get(gateway)
        found = client_credential(self._roots, uri, self._clock(), s.lifetimes, before)
        self._clients[gateway] = found
        return found

    def forget(self, gateway: str) -> None:
        """Renew nothing for a gateway that is gone, until somebody asks for it again."""
        self._clients.pop(gateway, None)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when `client_of` gives something new for a gateway."""
        self._callbacks.append(callback)

    async def run(self) -> None:
        """Renew what is due, and take over what other replicas have made, until cancelled."""
        while True:
            every = self._settings.every.total_seconds()
            # Replicas that start together look at different times.
            await asyncio.sleep(every * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)
            await self.refresh()

    async def refresh(self) -> None:
        """Look once. What cannot be read or written leaves all as it is, and is logged once."""
        s = self._settings
        try:
            self._roots = await _settled(self._store, s.lifetimes, self._clock())
            self._complain("")
        except (Unreached, OperatorError) as e:
            self._complain(f"{e}; the authority of xDS certificates stays as it was read before")
        # Also without the store: the authority at hand can sign.
        now = self._clock()
        held = self.shown.credential
        self.shown.replace(server_credential(self._roots, s.names, now, s.lifetimes, held))
        clients = dict(self._clients)
        if any(self.client_of(gateway) is not before for gateway, before in clients.items()):
            for callback in self._callbacks:
                callback()

    def _complain(self, sentence: str) -> None:
        if sentence and sentence != self._complaint:
            log.warning("%s", sentence)
        self._complaint = sentence


async def _settled(store: RootsStore, lifetimes: Lifetimes, now: datetime) -> Roots:
    """What all replicas trust now: whoever writes first decides, the others read it."""
    while True:
        kept = await store.read()
        wanted = renewed(kept.roots if kept else Roots(()), now, lifetimes)
        if kept and wanted == kept.roots:
            return wanted
        if await store.write(wanted, kept):
            log.info("wrote the authorities of xDS certificates count=%d", len(wanted.authorities))
            return wanted


def _say_waiting(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if state.attempt_number == 1:
        log.warning("%s; xDS waits for its certificates", error)
