"""Secrets of type `kubernetes.io/tls` are read as certificates.

Envoy rejects a certificate with a key that does not belong to it, so each pair is checked here.
"""

from base64 import b64decode
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from fleet.models import Secret
from translators.model.certificates import Certificate

CHAIN: Final = "tls.crt"
KEY: Final = "tls.key"


def read_certificate(secret: Secret) -> Certificate | None:
    """Read the certificate of a Secret; None if its data is no certificate with its own key."""
    try:
        chain = b64decode(secret.data.get(CHAIN, ""), validate=True)
        key = b64decode(secret.data.get(KEY, ""), validate=True)
        first, *_ = x509.load_pem_x509_certificates(chain)
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError):  # TypeError: the key is encrypted
        return None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fits = first.public_key().public_bytes(*form) == private.public_key().public_bytes(*form)
    return Certificate(chain, key) if fits else None
