"""Binds: the address and the ports at which the Envoys of a gateway listen."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.address import is_loopback
from translators.model.listeners import MAX_PORT, ListenerPort


@dataclass(frozen=True, slots=True)
class Bind:
    """The address at which a gateway's Envoy listens, and an offset that is added to every port.

    `taken` holds the ports that Envoy needs for itself; no listener can have these. `elsewhere`
    says that clients are on other hosts, so that a loopback address is of no use to them.
    """

    address: str = "0.0.0.0"  # noqa: S104 (a gateway serves everybody; `--bind` narrows it)
    port_offset: int = 0
    taken: frozenset[int] = frozenset()
    elsewhere: bool = False

    def can_show(self, address: str) -> bool:
        """Return whether clients can reach the gateway at an address that a status shows."""
        unspecified = address in {"0.0.0.0", "::"}  # noqa: S104 (compared, not bound)
        return not unspecified and not (self.elsewhere and is_loopback(address))

    def port_for(self, listener: ListenerPort) -> int:
        """Return the port that Envoy opens for the listener."""
        return listener.port + self.port_offset

    def takes(self, listener: ListenerPort) -> bool:
        """Return whether Envoy can open a port for the listener."""
        port = self.port_for(listener)
        return port <= MAX_PORT and port not in self.taken
