"""The versions of TLS that a host takes, and its ciphers for TLS up to 1.2."""

from dataclasses import dataclass, replace

from translators.envoy.parts import ChainParts
from translators.model.tls import TlsVersion
from translators.policies.policy import ChainPolicy


@dataclass(frozen=True, slots=True)
class TlsVersions(ChainPolicy):
    """The lowest and the highest version of TLS that a host takes."""

    minimum: TlsVersion
    maximum: TlsVersion

    def chain(self, parts: ChainParts) -> None:
        """Set the versions."""
        parts.tls = replace(parts.tls, minimum=self.minimum, maximum=self.maximum)


@dataclass(frozen=True, slots=True)
class Ciphers(ChainPolicy):
    """The ciphers of a host, the preferred one first. TLS 1.3 has ciphers of its own."""

    names: tuple[str, ...]

    def chain(self, parts: ChainParts) -> None:
        """Set the ciphers."""
        parts.tls = replace(parts.tls, ciphers=self.names)
