"""Secrets with a bundle of CA certificates are read.

The bundle is written anew from the certificates in it, so that Envoy gets nothing else.
"""

from base64 import b64decode
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fleet.models import Secret
from fleet.problem import Problem
from fleet.ref import Ref
from translators.model.authorities import (
    BUNDLE,
    MAX_AUTHORITIES,
    REVOCATIONS,
    Authorities,
    AuthoritiesReading,
)

_BEGIN_CRL: Final = b"-----BEGIN X509 CRL-----"


def read_authorities(secret: Secret | None) -> AuthoritiesReading:
    """Read the bundle of a Secret, and the revocation lists beside it."""
    if secret is None:
        return AuthoritiesReading(None, "there is no such Secret")
    if BUNDLE not in secret.data:
        return AuthoritiesReading(None, f"it has no {BUNDLE}")
    try:
        certificates = x509.load_pem_x509_certificates(_decoded(secret, BUNDLE))
        bundle = b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
    except (ValueError, TypeError):
        return AuthoritiesReading(None, f"its {BUNDLE} has no readable certificates")
    try:
        revocations = b"".join(_revocations(_decoded(secret, REVOCATIONS)))
    except (ValueError, TypeError):
        return AuthoritiesReading(None, f"its {REVOCATIONS} has no readable revocation lists")
    if len(bundle) + len(revocations) > MAX_AUTHORITIES:
        return AuthoritiesReading(None, f"it has more than {MAX_AUTHORITIES // 1024} KiB")
    return AuthoritiesReading(Authorities(bundle, revocations))


def joined(readings: Sequence[Authorities | None]) -> Authorities | None:
    """Join the bundles of several Secrets; None if one of them cannot be used."""
    usable = [each for each in readings if each]
    if len(usable) < len(readings):
        return None
    return Authorities(
        b"".join(each.certificates for each in usable),
        b"".join(each.revocations for each in usable),
    )


def without_authorities(at: Ref, key: str, secret: Ref, fault: str) -> Problem:
    """Report a listener whose authorities of client certificates cannot be used."""
    expected = f"a Secret with CA certificates under {BUNDLE}, but {fault}"
    named = f"{secret.namespace}/{secret.name}"
    return Problem(at, "InvalidSecret", key, named, expected, "this listener is not served")


def _decoded(secret: Secret, key: str) -> bytes:
    return b64decode(secret.data.get(key, ""), validate=True)


def _revocations(text: bytes) -> list[bytes]:
    """Read each list of a text; raises ValueError if it has something else, and none."""
    lists = [_BEGIN_CRL + part for part in text.split(_BEGIN_CRL)[1:]]
    if text.strip() and not lists:
        raise ValueError("no revocation list")
    return [x509.load_pem_x509_crl(each).public_bytes(Encoding.PEM) for each in lists]
