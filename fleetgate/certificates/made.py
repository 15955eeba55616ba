"""Certificates that fleetgate makes and renews, with one authority for all replicas."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import tenacity

from fleet.kubernetes.connection import Unreached
from fleetgate.certificates.complaints import Complaints
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
    """The settings of certificates that fleetgate makes.

    `names` are the DNS names and IP addresses in the server's certificate. Each replica reads the
    authority again at the interval `every`. A new authority signs only after the life of a leaf,
    which is far longer, so that all replicas trust it by then.
    """

    names: tuple[str, ...]
    trust_domain: str = TRUST_DOMAIN
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    every: timedelta = timedelta(minutes=10)


class MadeCertificates:
    """Makes and renews certificates. `open` reads or makes the authority, and `run` renews.

    Replicas share the authority only. Each replica has a server certificate of its own, whose key
    never leaves its memory. A gateway's certificate is made when the caller asks for it.
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
        self._complaints = Complaints(log)

    @classmethod
    async def open(
        cls,
        store: RootsStore,
        settings: MadeSettings,
        clock: Callable[[], datetime] = utc_now,
    ) -> "MadeCertificates":
        """Read the authority, or make it where there is none. Wait while the store is away.

        Raises OperatorError where the store refuses access, or holds something else.
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
        """The certificates of the trusted authorities, PEM."""
        return self._roots.bundle

    def client_of(self, gateway: str, held: Credential | None = None) -> Credential:
        """Return the credential of the Envoys of a gateway such as mse/shop.

        It is `held`, or the one that was returned before, as long as that is good. Raises
        ValueError where the text is no gateway's name.
        """
        s = self._settings
        uri = gateway_uri(gateway, s.trust_domain)
        before = held or self._clients.get(gateway)
        credential = client_credential(self._roots, uri, self._clock(), s.lifetimes, before)
        self._clients[gateway] = credential
        return credential

    def forget(self, gateway: str) -> None:
        """Stop to renew the credential of a gateway that is gone."""
        self._clients.pop(gateway, None)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when `client_of` returns a new credential for a gateway."""
        self._callbacks.append(callback)

    async def run(self) -> None:
        """Renew what is due, and take over new authorities of other replicas, until cancelled."""
        while True:
            every = self._settings.every.total_seconds()
            # Jitter spreads the requests of replicas that start together.
            await asyncio.sleep(every * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)
            await self.refresh()

    async def refresh(self) -> None:
        """Renew once. Where the store is away, log it once, and keep the authority at hand."""
        s = self._settings
        try:
            self._roots = await _settled(self._store, s.lifetimes, self._clock())
            self._complaints.say("")
        except (Unreached, OperatorError) as e:
            kept = "the authority of xDS certificates stays as it was read before"
            self._complaints.say(f"{e}; {kept}")
        # The authority at hand can sign without the store.
        now = self._clock()
        held = self.shown.credential
        self.shown.replace(server_credential(self._roots, s.names, now, s.lifetimes, held))
        clients = dict(self._clients)
        if any(self.client_of(gateway) is not before for gateway, before in clients.items()):
            for callback in self._callbacks:
                callback()


async def _settled(store: RootsStore, lifetimes: Lifetimes, now: datetime) -> Roots:
    """Return the authorities that all replicas trust now, and write them where they change.

    The first replica that writes decides. The others read its result.
    """
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
