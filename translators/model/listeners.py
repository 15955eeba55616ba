"""Listeners of gateways, and the sets of route tables in which they look up requests."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple, NewType

from fleet.ref import Ref
from translators.model.policy import Policy
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


@dataclass(frozen=True, slots=True)
class ForwardedHeaders:
    """The headers beside X-Forwarded-For that tell a backend about a connection.

    X-Forwarded-Proto (`proto`), X-Forwarded-Port (`port`), X-Forwarded-Client-Port (`client_port`).
    """

    proto: bool = True
    port: bool = True
    client_port: bool = False


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """How one listener treats its connections and requests.

    A connection without requests is closed after `idle`. `silence` is the longest silence of a
    request or its response; None stands for that of the gateway. With `gzip`, answers are
    compressed for clients that accept it. With `advertised`, clients are told of HTTP/3 at the same
    port.
    """

    idle: timedelta = timedelta(hours=1)
    silence: timedelta | None = None
    gzip: bool = False
    forwarded: ForwardedHeaders = field(default_factory=ForwardedHeaders)
    advertised: bool = False


USUAL: Final = ListenerSettings()


class SecretAt(NamedTuple):
    """A Secret, and the field that names it."""

    at: str
    secret: Ref


class Entry(NamedTuple):
    """A listener that a gateway serves, its set of route tables, and TLS unless in clear text.

    `policies` hold for all requests that come over it. `certificates` are shown to clients for
    hosts whose Ingress names none; the first one is for all other hosts too. Clients must have a
    certificate of the `authorities`, if there are any.
    """

    at: ListenerPort
    tables: TableSet
    tls: ServerTls | None = None
    settings: ListenerSettings = USUAL
    policies: tuple[Policy, ...] = ()
    certificates: tuple[SecretAt, ...] = ()
    authorities: tuple[SecretAt, ...] = ()
