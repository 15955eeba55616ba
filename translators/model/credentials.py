"""Credentials: what a Secret holds for connections to backends."""

from dataclasses import dataclass

from translators.model.certificates import Certificate


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client certificate, and the authorities (PEM) that sign the certificates of backends.

    Either can be missing: `certificate` is None then, and `authorities` b"".
    """

    certificate: Certificate | None = None
    authorities: bytes = b""
