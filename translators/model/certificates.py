"""Certificates that a gateway can show to its clients."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from fleet.ref import Ref
from translators.model.hosts import wildcard_over

ENDING: Final = timedelta(days=14)
"""The time before its end in which a certificate is reported."""

_TOLERANCE: Final = timedelta(hours=1)
"""The time before its begin in which a certificate counts as valid.

Time is told in steps of an hour, so that of an issuer may be as much ahead."""


class Validity(Enum):
    """What a certificate's period says about the present time."""

    EARLY = "early"
    VALID = "valid"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain of certificates and the key of its first one, both as PEM. `repr` hides the key.

    `names` are the DNS names of the first certificate, in lower case. `begin` and `end` bound its
    period.
    """

    chain: bytes = field(repr=False)
    key: bytes = field(repr=False)
    names: tuple[str, ...]
    begin: datetime
    end: datetime

    def covers(self, host: str) -> bool:
        """Return whether a client accepts the certificate for the host."""
        return host in self.names or (bool(over := wildcard_over(host)) and over in self.names)

    def validity(self, now: datetime) -> Validity:
        """Return what the period says about a time."""
        if now <= self.begin - _TOLERANCE:
            return Validity.EARLY
        if now >= self.end:
            return Validity.ENDED
        return Validity.ENDING if now >= self.end - ENDING else Validity.VALID


@dataclass(frozen=True, slots=True)
class Reading:
    """A Secret as it is read: a certificate, or else what is wrong with the Secret."""

    certificate: Certificate | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class TlsEntry:
    """An entry of an Ingress's `spec.tls`.

    `at` is its field. A `secret` of None stands for the default certificate. `hosts` are the hosts
    of rules, and aliases, that it is for. `further` are aliases of these hosts that no entry names:
    it is for those that its certificate covers. With `is_default` it is also for hosts without a
    certificate of their own. `idle` are hosts that it names without a rule for them.
    """

    at: str
    secret: Ref | None
    hosts: tuple[str, ...]
    is_default: bool = False
    idle: tuple[str, ...] = ()
    further: tuple[str, ...] = ()

    @property
    def named(self) -> Iterator[str]:
        """The hosts and further names, and "" for an entry that is for all other hosts."""
        yield from self.hosts
        yield from self.further
        if self.is_default:
            yield ""


NO_TLS: Final[tuple[TlsEntry, ...]] = ()


def entry_for(entries: Iterable[TlsEntry], host: str) -> TlsEntry | None:
    """Return the first entry with a Secret for a host."""
    return next((entry for entry in entries if entry.secret and host in entry.named), None)
