"""Certificates that load, and of which a part cannot be read."""

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


@dataclass(frozen=True, slots=True)
class Damage:
    """Some bytes of a certificate that become others."""

    what: str
    before: bytes
    after: bytes


NAMES_OF_NO_KIND = Damage("names-of-no-kind", b"\x86\x23spiffe", b"\x83\x23spiffe")
"""The URI of mse/shop becomes an X.400 address, which is of another form."""

KEY_OF_NO_KIND = Damage(
    "key-of-no-kind", bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0209")
)

DAMAGES = (
    NAMES_OF_NO_KIND,
    KEY_OF_NO_KIND,
    Damage("an-extension-twice", b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x11"),
    Damage("version-8", bytes.fromhex("a003020102"), bytes.fromhex("a003020107")),
)


def damaged(certificate: bytes, damage: Damage) -> bytes:
    """The certificate, PEM, with the damage done."""
    der = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)
    assert der.count(damage.before) == 1
    text = base64.encodebytes(der.replace(damage.before, damage.after))
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"
