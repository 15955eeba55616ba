"""The settings of a member: how its Pods are reached from outside, and where it stands."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fleet.pod_addresses import PodAddresses

_PLACE: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def is_place(text: str) -> bool:
    """Whether a text can name a region or a zone."""
    return _PLACE.fullmatch(text) is not None


class Addressing(StrEnum):
    """Where requests for the Pods of a member are sent.

    `PODS` are the addresses of the Pods themselves. `NODE_PORTS` are the member's nodes, at the
    node port of the Service. `GATEWAY` is the member's own ingress.
    """

    PODS = "pods"
    NODE_PORTS = "nodePorts"
    GATEWAY = "gateway"


class GatewayTls(StrEnum):
    """How a member's own ingress is spoken to: in clear text, or by TLS with or without a check."""

    OFF = "off"
    UNVERIFIED = "unverified"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class MemberGateway:
    """A member's own ingress. `host` is an IP address or a DNS name.

    `sni` is the name that a TLS handshake asks for, and whose certificate a verified one must see;
    "" if there is none, which a verified one does not permit.
    """

    host: str
    port: int
    tls: GatewayTls = GatewayTls.OFF
    sni: str = ""


@dataclass(frozen=True, slots=True)
class MemberSettings:
    """The settings of one member.

    `addresses` are those that its endpoints may have. `gateway` is only there for GATEWAY. `region`
    and `zone` are "" if nobody has named them.
    """

    addresses: PodAddresses = field(default_factory=PodAddresses)
    addressing: Addressing = Addressing.PODS
    gateway: MemberGateway | None = None
    region: str = ""
    zone: str = ""
