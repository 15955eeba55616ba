"""A certificate with its key, how to read them, and when they are due for renewal."""

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
"""The time by which a certificate is valid before it is made, for machines whose clock is slow."""

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
"""The errors of `cryptography` for a certificate that it cannot read.

It reads most parts only on access, so a certificate that loads may have a key that cannot be read.
"""


class BadPem(ValueError):
    """A text is no certificate or no key. The message never quotes it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain, whose first certificate belongs to the key. Both are PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def parse_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return all certificates of a PEM text, at least one. Raises BadPem."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE as e:
        raise BadPem("holds no certificate in PEM") from e


def parse_pair(pair: Pair) -> x509.Certificate:
    """Return the first certificate of a pair. Raises BadPem, also where the key does not fit."""
    certificate = parse_certificates(pair.certificate)[0]
    if public_bytes_of_key(pair.key) != public_bytes(certificate):
        raise BadPem("the key is not that of the certificate")
    return certificate


def check_kind(certificate: x509.Certificate) -> None:
    """Check that gRPC's TLS can use keys of this kind. Raises BadPem."""
    key = certificate.public_key()
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else ""
    if curve not in _CURVES and not isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise BadPem("the key is neither RSA nor Ed25519 nor of the curves P-256, P-384 and P-521")


def public_bytes(certificate: x509.Certificate) -> bytes:
    """Return the public key of a certificate, for comparison. Raises BadPem."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UNREADABLE as e:
        raise BadPem("the key of the certificate is of no kind that is known") from e


def public_bytes_of_key(pem: bytes) -> bytes:
    """Return the public half of a private key, for comparison. Raises BadPem."""
    try:
        key = load_pem_private_key(pem, password=None)
    except UNREADABLE as e:
        raise BadPem("the key is no private key in PEM without password") from e
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def due(certificate: x509.Certificate, now: datetime) -> bool:
    """Return whether two thirds of a certificate's life are over, so that it is to be renewed."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= begin + (end - begin) * WORN


def utc_now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)
