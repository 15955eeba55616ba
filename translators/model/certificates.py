"""Certificates that a gateway can show to its clients."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain of certificates and the key of the first one, both PEM; the key is shown nowhere."""

    chain: bytes
    key: bytes = field(repr=False)
