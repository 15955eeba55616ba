"""Listeners of gateways, and the sets of route tables in which they look up requests."""

from enum import StrEnum
from typing import Final, NamedTuple, NewType

from translators.model.tls import ServerTls

TableSet = NewType("TableSet", str)
"""The name of the set of route tables in which a listener looks up its requests."""

MAX_PORT: Final = 65535


class Protocol(StrEnum):
    """The protocol of a listener."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    QUIC = "QUIC"


class ListenerPort(NamedTuple):
    """The port and protocol that identify a listener of a gateway."""

    port: int
    protocol: Protocol = Protocol.HTTP

    def __str__(self) -> str:
        return f"{self.port}/{self.protocol}"

    @property
    def scheme(self) -> str:
        """The scheme of the URLs that clients ask this listener for."""
        return "http" if self.protocol is Protocol.HTTP else "https"


class Entry(NamedTuple):
    """A listener that a gateway serves, its set of route tables, and TLS unless in clear text."""

    at: ListenerPort
    tables: TableSet
    tls: ServerTls | None = None
