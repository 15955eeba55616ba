"""Where the Envoys of a gateway listen."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.address import is_loopback
from translators.model.listeners import MAX_PORT, ListenerPort


@dataclass(frozen=True, slots=True)
class Bind:
    """Where a gateway's Envoy listens: an address of its host, and what is added to every port.

    `taken` are the ports that Envoy itself needs there, so that no listener can have them. Where
    clients are `elsewhere`, a loopback address is no way to the gateway.
    """

    address: str = "0.0.0.0"  # noqa: S104 (a gateway serves everybody; `--bind` narrows it)
    port_offset: int = 0
    taken: frozenset[int] = frozenset()
    elsewhere: bool = False

    def can_show(self, address: str) -> bool:
        """Whether clients can be told an address, by which they reach the gateway."""
        unspecified = address in {"0.0.0.0", "::"}  # noqa: S104 (compared, not bound)
        return not unspecified and not (self.elsewhere and is_loopback(address))

    def port_for(self, listener: ListenerPort) -> int:
        """Where the listener really listens."""
        return listener.port + self.port_offset

    def takes(self, listener: ListenerPort) -> bool:
        """Whether there is a port for the listener."""
        port = self.port_for(listener)
        return port <= MAX_PORT and port not in self.taken
