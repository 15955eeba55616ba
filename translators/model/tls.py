"""TLS: what a gateway offers its clients in handshakes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from translators.model.authorities import Authorities

HTTP2: Final = "h2"
HTTP1: Final = "http/1.1"


class TlsVersion(StrEnum):
    """A version of TLS."""

    V1_0 = "TLSv1.0"
    V1_1 = "TLSv1.1"
    V1_2 = "TLSv1.2"
    V1_3 = "TLSv1.3"


@dataclass(frozen=True, slots=True)
class ClientTrust:
    """The check of client certificates: their authorities, and how deep below these they may be.

    A `depth` of 1 stands for a certificate that an authority has signed itself.
    """

    authorities: Authorities
    depth: int


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a listener offers in handshakes.

    `alpn` are the protocols over TLS, the preferred one first. The certificate is asked for by the
    name that the client names (SNI), and by `nameless` if it names none. `ciphers` are for TLS up
    to 1.2, the preferred one first; () stands for the usual ones. Only with `clients` are clients
    asked for a certificate.
    """

    nameless: str
    minimum: TlsVersion = TlsVersion.V1_2
    maximum: TlsVersion = TlsVersion.V1_3
    alpn: tuple[str, ...] = (HTTP2, HTTP1)
    ciphers: tuple[str, ...] = ()
    clients: ClientTrust | None = None
