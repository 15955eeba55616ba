"""How a gateway treats requests as they come in: their paths, their clients, silence."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias


class PathNormalization(StrEnum):
    """What becomes of `//`, `%2F` and `%5C` in the path of a request."""

    BASE = "base"
    STRICT = "strict"


Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """The edge of one gateway.

    `trusted` are the proxies whose word on the client counts: their forwarded headers, and with
    `proxy_protocol` their PROXY headers. `stream_idle` is how long a request or its answer may be
    silent.
    """

    paths: PathNormalization = PathNormalization.BASE
    trusted: tuple[Network, ...] = ()
    proxy_protocol: bool = False
    stream_idle: timedelta = timedelta(minutes=5)
