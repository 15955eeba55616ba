"""Passthrough: connections to a host go on to its backend as they come, with their TLS."""

from dataclasses import dataclass
from typing import ClassVar, Final

from translators.envoy.parts import ChainParts
from translators.policies.policy import ChainPolicy

_ROOT: Final = (
    "a rule of the host with the path / and a Service, and without access rules, which nothing "
    "would check"
)


@dataclass(frozen=True, slots=True)
class Passthrough(ChainPolicy):
    """Sends the connections of a host to the backend of its path `/`."""

    without: ClassVar[str] = "the gateway ends TLS for this host itself"
    sends_on: ClassVar[bool] = True

    def chain(self, parts: ChainParts) -> None:
        """Replace TLS and HTTP by a tunnel."""
        if parts.root is None:
            parts.lacking(self, _ROOT)
        parts.tunnel = parts.root
        parts.alone = True
