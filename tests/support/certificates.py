"""Certificates of all kinds, good ones and bad ones, as Secrets hold them."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.support.authority import Pair

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC)


def certificate(
    *names: str,
    key: Key | None = None,
    begin: datetime = NOW - timedelta(days=30),
    end: datetime = NOW + timedelta(days=60),
) -> Pair:
    """Make a certificate that signs itself, with a new key unless one is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0] if names else "nobody")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Pair(builder.sign(key, digest).public_bytes(Encoding.PEM), pem(key))


def pem(key: Key, password: str = "") -> bytes:
    """Write a private key as PEM."""
    how: KeySerializationEncryption = NoEncryption()
    if password:
        how = BestAvailableEncryption(password.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def tls_data(pair: Pair) -> dict[str, str]:
    """Return the data of a Secret with this certificate and key."""
    return {"tls.crt": text(pair.certificate), "tls.key": text(pair.key)}


def text(part: bytes | Sequence[bytes]) -> str:
    """Return bytes as a Secret has them."""
    return b64encode(part if isinstance(part, bytes) else b"".join(part)).decode()
