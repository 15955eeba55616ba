"""Edge settings: how a gateway treats paths, the client's address, and silent connections."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias


class PathNormalization(StrEnum):
    """The treatment of `//`, `%2F` and `%5C` in the path of a request.

    BASE keeps them. STRICT merges slashes, and redirects requests with escapes to the decoded path.
    """

    BASE = "base"
    STRICT = "strict"


Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """The edge settings of one gateway.

    The gateway believes the forwarded headers of the `trusted` proxies, and with `proxy_protocol`
    also their PROXY headers. `stream_idle` is the longest silence of a request or its response.
    `hsts` is the Strict-Transport-Security of answers over TLS; "" stands for none.
    With `http3` a listener for TLS has one for QUIC beside it, at the same port.
    """

    paths: PathNormalization = PathNormalization.BASE
    trusted: tuple[Network, ...] = ()
    proxy_protocol: bool = False
    stream_idle: timedelta = timedelta(minutes=5)
    hsts: str = ""
    http3: bool = False
