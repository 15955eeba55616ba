"""Certificates that a gateway can show to its clients."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain of certificates and the key of its first one, both as PEM. `repr` hides the key."""

    chain: bytes
    key: bytes = field(repr=False)
