"""Secrets of type `kubernetes.io/tls` are read as certificates.

Envoy rejects a certificate whose key does not belong to it, or is of a kind that it does not know.
So each pair is checked here.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from fleet.models import Secret
from translators.dialects.annotations.reader import Unusable
from translators.dialects.hosts import host_name
from translators.model.bounds import MAX_CERTIFICATE_NAMES
from translators.model.certificates import Certificate, Reading

CHAIN: Final = "tls.crt"
KEY: Final = "tls.key"

_LARGEST: Final = 64 * 1024
"""The bound on the bytes of a chain and of a key. An Envoy keeps them for each host."""

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"

_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_RSA_BITS: Final = range(2048, 8192 + 1)

_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)
"""What cryptography raises for PEM that it cannot read. TypeError: the key is encrypted."""


class _Unfit(Exception):
    """Raised with what is wrong with a Secret."""


def read_certificate(secret: Secret) -> Reading:
    """Read the certificate of a Secret."""
    try:
        return Reading(_certificate(_bytes(secret, CHAIN), _bytes(secret, KEY)))
    except _Unfit as unfit:
        return Reading(None, str(unfit))


def hosts_in(certificate: Certificate | None) -> tuple[str, ...]:
    """Return the names of a certificate that hosts can have."""
    names = certificate.names if certificate else ()
    return tuple(dict.fromkeys(name for name in names[:MAX_CERTIFICATE_NAMES] if _is_host(name)))


def _is_host(name: str) -> bool:
    try:
        return bool(host_name(name))
    except Unusable:
        return False


def _bytes(secret: Secret, key: str) -> bytes:
    text = secret.data.get(key)
    if not text:
        raise _Unfit(f"it has no {key}")
    try:
        found = b64decode(text, validate=True)
    except (NoBase64, ValueError):
        raise _Unfit(f"its {key} is no base64") from None
    if len(found) > _LARGEST:
        raise _Unfit(f"its {key} is larger than {_LARGEST // 1024} KiB")
    return found


def _certificate(chain: bytes, key: bytes) -> Certificate:
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        public = certificates[0].public_key()
        names = _names(certificates[0])
    except _UNREADABLE:
        raise _Unfit(f"its {CHAIN} is no certificate in PEM") from None
    if len(certificates) != chain.count(_BEGIN):
        raise _Unfit(f"its {CHAIN} has a certificate that is cut")  # the library leaves it out
    try:
        # The library's own check takes 0.15 s for a usual key, and 1 s for a larger one.
        private = load_pem_private_key(key, password=None, unsafe_skip_rsa_key_validation=True)
    except _UNREADABLE:
        raise _Unfit(f"its {KEY} is no private key in PEM without a password") from None
    _check_kind(private)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != private.public_key().public_bytes(*form):
        raise _Unfit(f"its {KEY} is not the key of its {CHAIN}")
    # Written anew, so that Envoy's library reads in them what this one has read.
    return Certificate(
        b"".join(each.public_bytes(Encoding.PEM) for each in certificates),
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        names,
        certificates[0].not_valid_before_utc,
        certificates[0].not_valid_after_utc,
    )


def _check_kind(private: PrivateKeyTypes) -> None:
    """Raise for a key that Envoy does not take."""
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size not in _RSA_BITS:
            bounds = f"{_RSA_BITS.start} to {_RSA_BITS.stop - 1}"
            raise _Unfit(f"its {KEY} has {private.key_size} bits: RSA keys have {bounds}")
        if not _is_sound(private.private_numbers()):
            raise _Unfit(f"its {KEY} is damaged")
    elif not (
        isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, _CURVES)
    ):
        raise _Unfit(f"its {KEY} is of another kind than RSA and ECDSA on P-256, P-384, P-521")


def _is_sound(key: rsa.RSAPrivateNumbers) -> bool:
    """Return whether the numbers of an RSA key fit together."""
    public = key.public_numbers
    return (
        key.p * key.q == public.n
        and key.d * public.e % (key.p - 1) == 1
        and key.d * public.e % (key.q - 1) == 1
        and key.d % (key.p - 1) == key.dmp1
        and key.d % (key.q - 1) == key.dmq1
        and key.iqmp * key.q % key.p == 1
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names of a certificate. Browsers read no others, such as a common name."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in extension.value.get_values_for_type(x509.DNSName))
