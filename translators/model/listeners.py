"""Where requests come in: the listeners of a gateway, and the route tables that they ask."""

from enum import StrEnum
from typing import Final, NamedTuple, NewType

TableSet = NewType("TableSet", str)
"""The set of route tables that a listener asks."""

MAX_PORT: Final = 65535


class Protocol(StrEnum):
    """What a listener speaks."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    QUIC = "QUIC"


class ListenerPort(NamedTuple):
    """What a listener of a gateway is known by."""

    port: int
    protocol: Protocol = Protocol.HTTP

    def __str__(self) -> str:
        return f"{self.port}/{self.protocol}"


class Entry(NamedTuple):
    """A listener that a gateway serves, and the route tables that it asks."""

    at: ListenerPort
    tables: TableSet
