"""The trusted authorities, and how a new authority takes over from an old one.

    made               begins to sign         the old one is removed
     │◀── life of a leaf ──▶│◀── life of a leaf ──▶│
     │                      │                      │
    every client            every client           no certificate of the
    renews, and trusts it   trusts it              old one is still valid

All of this follows from the dates in the certificates, so that replicas agree without messages.
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
    """The lives of certificates: of an authority, and of a leaf, which an authority signs."""

    authority: timedelta = timedelta(days=5 * 365)
    leaf: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Roots:
    """The trusted authorities, the oldest first."""

    authorities: tuple[Authority, ...]

    @property
    def bundle(self) -> bytes:
        """The certificates of all authorities, PEM."""
        return b"".join(authority.pair.certificate for authority in self.authorities)

    @property
    def keys(self) -> bytes:
        """The keys of all authorities, PEM, in the order of the bundle."""
        return b"".join(authority.pair.key for authority in self.authorities)

    @classmethod
    def parse(cls, bundle: bytes, keys: bytes) -> "Roots":
        """Return the authorities of a `bundle` and its `keys`, in any order. Raises BadPem.

        Each certificate needs its key.
        """
        by_public_key = {public_bytes_of_key(key): key for key in _KEY.findall(keys)}
        return cls(tuple(sorted(_authorities(bundle, by_public_key), key=_begin)))

    def signer(self, now: datetime, lifetimes: Lifetimes) -> Authority:
        """Return the authority that signs: the newest that is at least as old as a leaf's life.

        Where all are younger, it is the oldest.
        """
        known = [a for a in self.authorities if _begin(a) + SKEW + lifetimes.leaf <= now]
        return known[-1] if known else self.authorities[0]

    def knows(self, certificate: x509.Certificate) -> bool:
        """Return whether one of these authorities has signed a certificate."""
        return any(_signed(authority, certificate) for authority in self.authorities)


def renewed(roots: Roots, now: datetime, lifetimes: Lifetimes) -> Roots:
    """Return the authorities to trust now. It is `roots` itself where nothing changes."""
    kept = tuple(a for a in roots.authorities if not _over(a, roots, now, lifetimes))
    if not kept or due(kept[-1].certificate, now):
        kept = (*kept, Authority.make(now, lifetimes.authority))
    return roots if kept == roots.authorities else Roots(kept)


def _over(authority: Authority, roots: Roots, now: datetime, lifetimes: Lifetimes) -> bool:
    """Return whether no certificate that an authority has signed can be valid any more.

    Its successor signs from the age of a leaf's life on. One more day allows for replicas that
    notice the successor late.
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
