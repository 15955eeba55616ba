"""The authorities that are trusted at one time, and how a new one takes over.

    made            signs             its predecessor goes
     │◀── a leaf's ──▶│◀── a leaf's ──▶│
     │     life       │      life      │
  trusted by all   all it signs       nothing that the predecessor
  who renew theirs  is trusted        signed can be valid

Nobody has to be told: all of it follows from the dates in the certificates, so replicas agree.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from fleetgate.certificates.authority import Authority
from fleetgate.certificates.pair import (
    SKEW,
    UNREADABLE,
    BadPem,
    Pair,
    due,
    parse_certificates,
    public_bytes,
    public_bytes_of_key,
)

_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*KEY-----\n?", re.S)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long certificates are good: those of authorities, and those that they sign."""

    authority: timedelta = timedelta(days=5 * 365)
    leaf: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Roots:
    """Authorities, oldest first."""

    authorities: tuple[Authority, ...]

    @property
    def bundle(self) -> bytes:
        """The certificates of all, PEM: what both sides trust."""
        return b"".join(authority.pair.certificate for authority in self.authorities)

    @property
    def keys(self) -> bytes:
        """The keys of all, PEM, in the order of the bundle."""
        return b"".join(authority.pair.key for authority in self.authorities)

    @classmethod
    def parse(cls, bundle: bytes, keys: bytes) -> "Roots":
        """What was kept as `bundle` and `keys`. Raises BadPem.

        The order does not matter; each certificate needs its key.
        """
        found = {public_bytes_of_key(key): key for key in _KEY.findall(keys)}
        return cls(tuple(sorted(_authorities(bundle, found), key=_begin)))

    def signer(self, now: datetime, lifetimes: Lifetimes) -> Authority:
        """The newest that has been trusted for the life of a leaf, else the oldest there is."""
        known = [a for a in self.authorities if _begin(a) + SKEW + lifetimes.leaf <= now]
        return known[-1] if known else self.authorities[0]

    def knows(self, certificate: x509.Certificate) -> bool:
        """Whether one of these has signed a certificate."""
        return any(_signed(authority, certificate) for authority in self.authorities)


def renewed(roots: Roots, now: datetime, lifetimes: Lifetimes) -> Roots:
    """What should be trusted now: the same again unless one has to come or to go."""
    kept = tuple(a for a in roots.authorities if not _over(a, roots, now, lifetimes))
    if not kept or due(kept[-1].certificate, now):
        kept = (*kept, Authority.make(now, lifetimes.authority))
    return roots if kept == roots.authorities else Roots(kept)


def _over(authority: Authority, roots: Roots, now: datetime, lifetimes: Lifetimes) -> bool:
    """Whether nothing that it signed can be valid.

    A successor signs once it is as old as a leaf gets; a day is for replicas that notice late.
    """
    if authority.certificate.not_valid_after_utc <= now:
        return True
    end = 2 * lifetimes.leaf + SKEW + timedelta(days=1)
    return any(_begin(a) > _begin(authority) and _begin(a) + end <= now for a in roots.authorities)


def _signed(authority: Authority, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _begin(authority: Authority) -> datetime:
    return authority.certificate.not_valid_before_utc


def _authorities(bundle: bytes, keys: dict[bytes, bytes]) -> Iterator[Authority]:
    for certificate in parse_certificates(bundle):
        key = keys.get(public_bytes(certificate))
        if key is None:
            raise BadPem("a certificate of the bundle has no key")
        yield Authority.of(Pair(certificate.public_bytes(Encoding.PEM), key))
