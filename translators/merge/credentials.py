"""Secrets are read as credentials towards backends. Envoy rejects what is no certificate."""

from base64 import b64decode
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fleet.models import Secret
from fleet.problem import Problem
from fleet.ref import Ref
from translators.merge.certificates import read_certificate
from translators.model.credentials import Credentials
from translators.model.policy import Declared

AUTHORITIES: Final = "ca.crt"


def read_credentials(secret: Secret) -> Credentials | None:
    """Read the certificate and the authorities of a Secret; None if it has neither."""
    made = Credentials(read_certificate(secret).certificate, _authorities(secret))
    return made if made.certificate or made.authorities else None


def without_credentials(ref: Ref, declared: Declared, secret: Ref) -> Problem:
    """Report a Secret that does not exist, or that holds nothing usable towards backends."""
    return Problem(
        ref,
        "SecretNotFound",
        declared.key,
        declared.value,
        f"{secret} with tls.crt and its tls.key, or with ca.crt",
        "backends get no certificate, and none of theirs is trusted",
    )


def _authorities(secret: Secret) -> bytes:
    """Return the authorities in the form in which Envoy certainly reads them."""
    try:
        text = b64decode(secret.data.get(AUTHORITIES, ""), validate=True)
        found = x509.load_pem_x509_certificates(text)
    except ValueError:
        return b""
    return b"".join(each.public_bytes(Encoding.PEM) for each in found)
