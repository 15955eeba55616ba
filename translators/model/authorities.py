"""Authorities: the CA certificates by which a gateway verifies the certificates of clients."""

from dataclasses import dataclass
from typing import Final

BUNDLE: Final = "ca.crt"
REVOCATIONS: Final = "ca.crl"
"""The keys of a Secret that hold the certificates and their revocation lists."""

MAX_AUTHORITIES: Final = 64 * 1024
"""The bound on the bytes of a bundle and of its revocation lists. Each chain holds a copy."""

MAX_DEPTH: Final = 10
"""The certificates that a listener allows between that of a client and an authority, and this."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """A bundle of CA certificates, and their revocation lists if there are any, as PEM."""

    certificates: bytes
    revocations: bytes = b""


@dataclass(frozen=True, slots=True)
class AuthoritiesReading:
    """A Secret as it is read: a bundle of authorities, or else what is wrong with the Secret."""

    authorities: Authorities | None
    fault: str = ""
