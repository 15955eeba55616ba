"""A certificate with its key, and how long it is good."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

SKEW: Final = timedelta(hours=1)
"""How far a certificate begins before it is made: clocks of other machines are behind."""

WORN: Final = 2 / 3
"""The part of its life after which a certificate is renewed."""

_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises over a certificate that it cannot read.

Most parts it reads when they are asked for: one that loads may have a key that nobody can read.
"""


class BadPem(ValueError):
    """Text that is no certificate or no key; the message never quotes it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain, its own certificate first, and the key; PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def parse_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM text, at least one. Raises BadPem."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE as e:
        raise BadPem("holds no certificate in PEM") from e


def parse_pair(pair: Pair) -> x509.Certificate:
    """The first certificate of a pair. Raises BadPem, also where the key is not its own."""
    certificate = parse_certificates(pair.certificate)[0]
    if public_bytes_of_key(pair.key) != public_bytes(certificate):
        raise BadPem("the key is not that of the certificate")
    return certificate


def check_kind(certificate: x509.Certificate) -> None:
    """Raise BadPem where gRPC's TLS has no keys of this kind."""
    key = certificate.public_key()
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else ""
    if curve not in _CURVES and not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise BadPem("the key is neither RSA nor Ed25519 nor of the curves P-256, P-384 and P-521")


def public_bytes(certificate: x509.Certificate) -> bytes:
    """The public key of a certificate, to be compared. Raises BadPem."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UNREADABLE as e:
        raise BadPem("the key of the certificate is of no kind that is known") from e


def public_bytes_of_key(pem: bytes) -> bytes:
    """The public half of a private key, to be compared. Raises BadPem."""
    try:
        key = load_pem_private_key(pem, password=None)
    except UNREADABLE as e:
        # Not `from e`: nobody should have to think about what the library says of a key.
        raise BadPem("the key is no private key in PEM without password") from e
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def due(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether a certificate has to be renewed: two thirds of its life are over."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= begin + (end - begin) * WORN


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)
