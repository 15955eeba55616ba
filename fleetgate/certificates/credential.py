"""The credential of one side of xDS: its certificate, and the authorities that it trusts."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from fleetgate.certificates.pair import UNREADABLE, Pair, due, parse_pair
from fleetgate.certificates.roots import Lifetimes, Roots

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
TRUST: Final = "ca.crt"
"""The names of the files. Secrets of type kubernetes.io/tls and cert-manager use them too."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its key, and the trusted authorities of the other side, PEM."""

    pair: Pair
    trust: bytes

    @property
    def files(self) -> Mapping[str, bytes]:
        """The contents by file name. They are also the data of a Secret."""
        return {CERTIFICATE: self.pair.certificate, KEY: self.pair.key, TRUST: self.trust}

    @classmethod
    def of_files(cls, files: Mapping[str, bytes]) -> "Credential | None":
        """Return the credential of these files, None where one is missing. It is not checked."""
        if not files.keys() >= {CERTIFICATE, KEY, TRUST}:
            return None
        return cls(Pair(files[CERTIFICATE], files[KEY]), files[TRUST])

    @property
    def expires(self) -> datetime:
        """The end of the certificate's validity. Raises BadPem."""
        return parse_pair(self.pair).not_valid_after_utc


def server_credential(
    roots: Roots,
    names: Sequence[str],
    now: datetime,
    lifetimes: Lifetimes,
    held: Credential | None = None,
) -> Credential:
    """Return a credential of a server with these DNS names and IP addresses.

    `held` is returned again as long as it is good.
    """
    wanted = sorted(_canonical(name) for name in names)
    if held and _good(held, wanted, roots, now):
        return _trusting(roots, held)
    pair = roots.signer(now, lifetimes).server(names, now, lifetimes.leaf)
    return Credential(pair, roots.bundle)


def client_credential(
    roots: Roots,
    uri: str,
    now: datetime,
    lifetimes: Lifetimes,
    held: Credential | None = None,
) -> Credential:
    """Return a credential of a client with this URI.

    `held` is returned again as long as it is good.
    """
    if held and _good(held, [uri], roots, now):
        return _trusting(roots, held)
    pair = roots.signer(now, lifetimes).client(uri, now, lifetimes.leaf)
    return Credential(pair, roots.bundle)


def _good(held: Credential, names: Sequence[str], roots: Roots, now: datetime) -> bool:
    """Return whether a credential can stay in use.

    It can if it has these names, is signed by a trusted authority, is not due for renewal, and can
    be read in all parts.
    """
    try:
        certificate = parse_pair(held.pair)
        is_ours = _names(certificate) == names and roots.knows(certificate)
        return is_ours and not due(certificate, now)
    except UNREADABLE:
        return False


def _trusting(roots: Roots, held: Credential) -> Credential:
    """Return `held` with the authorities of today: the same object if these are the same."""
    return held if held.trust == roots.bundle else Credential(held.pair, roots.bundle)


def _names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return sorted(str(name.value) for name in extension.value)


def _canonical(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
