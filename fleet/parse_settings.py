"""Reads the settings of a member from texts by short names, such as `region: eu-west`.

Every source takes the same names: Secrets in annotations, directory fleets in files, and the
command line in flags. A mistake in one setting makes all of them unusable, since a part of them
could send requests where nobody wants them.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from fleet.address import is_dns_name, is_ip, is_loopback, is_metadata_service
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings, is_place
from fleet.misspelt import ALIKE
from fleet.pod_addresses import Network, PodAddresses, purpose_of, read_networks
from fleet.spelling import meant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, as messages and the documentation explain it. `default` is "" if it has none."""

    name: str
    values: str
    default: str
    meaning: str


ADDRESSING: Final = Setting(
    "addressing",
    "pods, nodePorts or gateway",
    Addressing.PODS,
    "where requests for the member's Pods are sent: to the Pods themselves, to the node ports of "
    "its Services, or to its own gateway",
)
GATEWAY_ADDRESS: Final = Setting(
    "gateway-address",
    "a host and a port, such as gw.example.com:443, 192.0.2.10:80 or [2001:db8::1]:80",
    "",
    "the member's own gateway; needed with addressing `gateway`, and a mistake without it",
)
GATEWAY_TLS: Final = Setting(
    "gateway-tls",
    "off, unverified or verified",
    GatewayTls.OFF,
    "whether that gateway is spoken to by TLS, and whether its certificate is verified",
)
GATEWAY_SNI: Final = Setting(
    "gateway-sni",
    "a DNS name such as gw.example.com",
    "the host of gateway-address, if that is a DNS name",
    "the server name of TLS handshakes, and the name in a certificate that is verified",
)
REGION: Final = Setting(
    "region",
    "1 to 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends",
    "",
    "the region that the member is in",
)
ZONE: Final = Setting("zone", REGION.values, "", "the zone that the member is in")
POD_CIDRS: Final = Setting(
    "pod-cidrs",
    "networks such as 10.1.0.0/16, with commas between them",
    "",
    "the networks that the addresses of the member's endpoints have to be in",
)

SETTINGS: Final = (
    ADDRESSING,
    GATEWAY_ADDRESS,
    GATEWAY_TLS,
    GATEWAY_SNI,
    REGION,
    ZONE,
    POD_CIDRS,
)
"""All settings of a member, in the order of the documentation."""

NAMES: Final = tuple(setting.name for setting in SETTINGS)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A setting that cannot be used. `value` is "" if the setting is needed and missing.

    `expected` completes the sentence "expected ...".
    """

    name: str
    value: str
    expected: str


class _Unusable(Exception):
    """A value cannot be used; the text completes "expected ..."."""

    def __init__(self, expected: str, value: str = "") -> None:
        super().__init__(expected)
        self.value = value


def read_settings(
    texts: Mapping[str, str], *, loopback: bool = False
) -> MemberSettings | tuple[Mistake, ...]:
    """Read the settings of a member, or give all mistakes in them.

    `loopback` permits loopback addresses, for members that may be processes of this machine.
    """
    reading = _Reading(texts)
    everywhere: tuple[Network, ...] = ()
    networks = reading.read(POD_CIDRS, _networks, everywhere)
    addressing = reading.read(ADDRESSING, _addressing, Addressing.PODS)
    gateway = _gateway(reading, addressing, loopback=loopback)
    region, zone = (reading.read(setting, _label, "") for setting in (REGION, ZONE))
    for name in texts.keys() - set(NAMES):
        reading.refuse(name, probably(name) or f"one of {', '.join(NAMES)}")
    if reading.mistakes:
        return tuple(sorted(reading.mistakes.values(), key=lambda mistake: mistake.name))
    return MemberSettings(PodAddresses(loopback, networks), addressing, gateway, region, zone)


def probably(name: str) -> str:
    """The name of a setting that this one is a misspelling of; "" if there is none."""
    return meant(name, NAMES, ALIKE)


@dataclass(slots=True)
class _Reading:
    """The texts that are read, and the mistakes that were found in them so far, by setting."""

    texts: Mapping[str, str]
    mistakes: dict[str, Mistake] = field(default_factory=dict)

    def read(self, setting: Setting, parse: Callable[[str], T], default: T) -> T:
        """The value of a setting, or the default if it is absent or cannot be used."""
        text = self.texts.get(setting.name)
        if text is None:
            return default
        try:
            return parse(text.strip())
        except _Unusable as e:
            self.refuse(setting.name, str(e) or setting.values, e.value)
            return default

    def refuse(self, name: str, expected: str, value: str = "") -> None:
        """Note a mistake, unless the setting has one already. `value` is the wrong part of it."""
        text = value or self.texts.get(name, "")
        self.mistakes.setdefault(name, Mistake(name, text, expected))


def _addressing(text: str) -> Addressing:
    try:
        return Addressing(text)
    except ValueError:
        raise _Unusable(ADDRESSING.values) from None


def _tls(text: str) -> GatewayTls:
    try:
        return GatewayTls(text)
    except ValueError:
        raise _Unusable(GATEWAY_TLS.values) from None


def _label(text: str) -> str:
    if not is_place(text):
        raise _Unusable(REGION.values)
    return text


def _networks(text: str) -> tuple[Network, ...]:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        try:
            read_networks([part])
        except ValueError:
            raise _Unusable(POD_CIDRS.values, part) from None
    return read_networks(parts)


# -- gateways -------------------------------------------------------------------------------------

_HOST_AND_PORT: Final = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+)):([0-9]{1,5})")


def _gateway(reading: _Reading, addressing: Addressing, *, loopback: bool) -> MemberGateway | None:
    """The member's own gateway; None if requests are not sent to one."""

    def address_of(text: str) -> tuple[str, int]:
        return _address(text, loopback=loopback)

    if addressing is not Addressing.GATEWAY and ADDRESSING.name not in reading.mistakes:
        for setting in (GATEWAY_ADDRESS, GATEWAY_TLS, GATEWAY_SNI):
            if setting.name in reading.texts:
                reading.refuse(setting.name, "no such setting without addressing gateway")
        return None
    host, port = reading.read(GATEWAY_ADDRESS, address_of, ("", 0))
    tls, sni = _handshake(reading, host)
    if addressing is Addressing.GATEWAY and GATEWAY_ADDRESS.name not in reading.texts:
        expected = f"{GATEWAY_ADDRESS.values}, which addressing gateway needs; it is missing"
        reading.refuse(GATEWAY_ADDRESS.name, expected)
    return MemberGateway(host, port, tls, sni)


def _handshake(reading: _Reading, host: str) -> tuple[GatewayTls, str]:
    """Whether there are TLS handshakes, and the server name in them. `host` may be missing."""
    tls = reading.read(GATEWAY_TLS, _tls, GatewayTls.OFF)
    sni = reading.read(GATEWAY_SNI, _name, "")
    if GATEWAY_TLS.name in reading.mistakes:
        return tls, sni
    if tls is GatewayTls.OFF:
        if GATEWAY_SNI.name in reading.texts:
            expected = "no such setting without gateway-tls unverified or verified"
            reading.refuse(GATEWAY_SNI.name, expected)
    elif not sni and not is_ip(host):
        sni = host.removesuffix(".")
    elif not sni and tls is GatewayTls.VERIFIED:
        expected = "the DNS name in the gateway's certificate, since gateway-address has none"
        reading.refuse(GATEWAY_SNI.name, expected)
    return tls, sni


def _address(text: str, *, loopback: bool) -> tuple[str, int]:
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None or not 1 <= int(found[3]) <= 65535:
        raise _Unusable(GATEWAY_ADDRESS.values)
    return _host(found[1] or found[2], loopback=loopback, brackets=bool(found[1])), int(found[3])


def _host(text: str, *, loopback: bool, brackets: bool) -> str:
    """An IP address in canonical spelling, or a DNS name in lower case."""
    if not is_ip(text):
        if brackets or not is_dns_name(text):
            raise _Unusable(GATEWAY_ADDRESS.values)
        if is_loopback(text.removesuffix(".")) and not loopback:
            raise _Unusable("the address of a gateway; this is a name of the machine itself")
        if is_metadata_service(text):
            raise _Unusable("the address of a gateway; this names the metadata service of a cloud")
        return text.lower()
    address = ipaddress.ip_address(text)
    if brackets != (address.version == 6):
        raise _Unusable(GATEWAY_ADDRESS.values)
    if purpose := purpose_of(address, loopback=loopback):
        raise _Unusable(f"the address of a gateway; this is {purpose}")
    return str(address)


def _name(text: str) -> str:
    if not is_dns_name(text):
        raise _Unusable(GATEWAY_SNI.values)
    return text.lower().removesuffix(".")
