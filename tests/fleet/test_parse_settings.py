"""The settings of a member are read from texts; every mistake in them is given, and named."""

import pytest

from fleet.address import is_dns_name
from fleet.member_settings import Addressing, GatewayTls, MemberGateway, MemberSettings
from fleet.parse_settings import NAMES, SETTINGS, Mistake, read_settings
from fleet.pod_addresses import PodAddresses, read_networks

GW = "gw.example.com"
BY_GATEWAY = {"addressing": "gateway"}


def to_gateway(address: str, **more: str) -> dict[str, str]:
    named = {name.replace("_", "-"): text for name, text in more.items()}
    return {**BY_GATEWAY, "gateway-address": address, **named}


def gateway_of(texts: dict[str, str], *, loopback: bool = False) -> MemberGateway:
    found = read_settings(texts, loopback=loopback)
    assert isinstance(found, MemberSettings), found
    assert found.addressing is Addressing.GATEWAY
    assert found.gateway is not None
    return found.gateway


def mistakes_in(texts: dict[str, str], *, loopback: bool = False) -> tuple[Mistake, ...]:
    found = read_settings(texts, loopback=loopback)
    assert not isinstance(found, MemberSettings)
    return found


# -- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        pytest.param({}, MemberSettings(), id="nothing"),
        pytest.param({"addressing": "pods"}, MemberSettings(), id="pods"),
        pytest.param(
            {"addressing": "nodePorts"},
            MemberSettings(addressing=Addressing.NODE_PORTS),
            id="node-ports",
        ),
        pytest.param({"region": "eu-west_1"}, MemberSettings(region="eu-west_1"), id="region"),
        pytest.param({"region": "e" * 63}, MemberSettings(region="e" * 63), id="longest-region"),
        pytest.param({"zone": " a.1\n"}, MemberSettings(zone="a.1"), id="blanks-around"),
        pytest.param(
            {"pod-cidrs": "10.1.0.0/16, fd00::/64"},
            MemberSettings(PodAddresses(networks=read_networks(["10.1.0.0/16", "fd00::/64"]))),
            id="networks",
        ),
    ],
)
def test_settings_are_read(texts: dict[str, str], settings: MemberSettings) -> None:
    assert read_settings(texts) == settings


def test_members_of_this_machine_may_have_loopback_addresses() -> None:
    assert read_settings({}, loopback=True) == MemberSettings(PodAddresses(loopback=True))


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        pytest.param("192.0.2.10:80", "192.0.2.10", 80, id="ipv4"),
        pytest.param("10.1.2.3:65535", "10.1.2.3", 65535, id="private"),
        pytest.param("[2001:DB8:0::1]:443", "2001:db8::1", 443, id="ipv6"),
        pytest.param("Gw.Example.com:443", GW, 443, id="dns-name"),
        pytest.param("gw.example.com.:443", "gw.example.com.", 443, id="absolute-dns-name"),
        pytest.param("gateway:1", "gateway", 1, id="one-label"),
        pytest.param("10.example:80", "10.example", 80, id="labels-that-begin-with-digits"),
    ],
)
def test_the_address_of_a_gateway_is_a_host_and_a_port(address: str, host: str, port: int) -> None:
    assert gateway_of(to_gateway(address)) == MemberGateway(host, port)


@pytest.mark.parametrize(
    ("texts", "tls", "sni"),
    [
        pytest.param(to_gateway(f"{GW}:1"), GatewayTls.OFF, "", id="off-by-default"),
        pytest.param(to_gateway(f"{GW}:1", gateway_tls="off"), GatewayTls.OFF, "", id="off"),
        pytest.param(
            to_gateway(f"{GW}.:1", gateway_tls="unverified"),
            GatewayTls.UNVERIFIED,
            GW,
            id="the-name-of-the-host",
        ),
        pytest.param(
            to_gateway(f"{GW}:1", gateway_tls="verified"), GatewayTls.VERIFIED, GW, id="verified"
        ),
        pytest.param(
            to_gateway(f"{GW}:1", gateway_tls="verified", gateway_sni="Other.test"),
            GatewayTls.VERIFIED,
            "other.test",
            id="another-name",
        ),
        pytest.param(
            to_gateway("192.0.2.1:1", gateway_tls="verified", gateway_sni=GW),
            GatewayTls.VERIFIED,
            GW,
            id="the-name-behind-an-address",
        ),
        pytest.param(
            to_gateway("192.0.2.1:1", gateway_tls="unverified"),
            GatewayTls.UNVERIFIED,
            "",
            id="no-name",
        ),
    ],
)
def test_a_gateway_may_be_spoken_to_by_tls(
    texts: dict[str, str], tls: GatewayTls, sni: str
) -> None:
    gateway = gateway_of(texts)
    assert (gateway.tls, gateway.sni) == (tls, sni)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_gateway_may_be_on_this_machine_where_members_may_be(host: str) -> None:
    gateway = gateway_of(to_gateway(f"{host}:80"), loopback=True)
    assert gateway.host == host.strip("[]")
    (mistake,) = mistakes_in(to_gateway(f"{host}:80"))
    assert mistake.name == "gateway-address"


# -- mistakes -------------------------------------------------------------------------------------

HOST_AND_PORT = "a host and a port, such as gw.example.com:443, 192.0.2.10:80 or [2001:db8::1]:80"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "gw.example.com",
        "gw.example.com:",
        ":443",
        "gw.example.com:0",
        "gw.example.com:65536",
        "gw.example.com:+80",
        "gw.example.com:٤٤٣",
        "gw.example.com:https",
        "https://gw.example.com:443",
        "gw.example.com:443/path",
        "user@gw.example.com:443",
        "2001:db8::1:443",
        "[2001:db8::1]",
        "[192.0.2.1]:80",
        "[gw.example.com]:80",
        "192.0.2.300:80",
        "192.0.2.010:80",
        "192.1:80",
        "3221225985:80",
        "gw.0x7f000001:80",
        "gw_1.example.com:80",
        "-gw.example.com:80",
        "gw..example.com:80",
        "*.example.com:80",
        f"{'g' * 64}.example:80",
        f"{'g.' * 127}:80",
        "gw example:80",
    ],
)
def test_what_is_no_host_and_port_is_a_mistake(address: str) -> None:
    assert mistakes_in(to_gateway(address)) == (Mistake("gateway-address", address, HOST_AND_PORT),)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        pytest.param("127.0.0.1:80", "a loopback address", id="loopback"),
        pytest.param("[::1]:80", "a loopback address", id="ipv6-loopback"),
        pytest.param("localhost:80", "a name of the machine itself", id="localhost"),
        pytest.param("a.localhost.:80", "a name of the machine itself", id="below-localhost"),
        pytest.param("169.254.1.1:80", "a link-local address", id="link-local"),
        pytest.param("[fe80::1%eth0]:80", "a link-local address", id="link"),
        pytest.param("[2001:db8::1%eth0]:80", "a link-local address", id="scope"),
        pytest.param("100.100.100.200:80", "the metadata service of a cloud", id="metadata"),
        pytest.param("224.0.0.1:80", "a multicast address", id="multicast"),
        pytest.param("0.0.0.0:80", "an unspecified address", id="unspecified"),
        pytest.param("[::ffff:10.0.0.1]:80", "an IPv4 address in the form of IPv6", id="embedded"),
    ],
)
def test_an_address_that_no_gateway_can_have_is_a_mistake(address: str, what: str) -> None:
    expected = f"the address of a gateway; this is {what}"
    assert mistakes_in(to_gateway(address)) == (Mistake("gateway-address", address, expected),)


@pytest.mark.parametrize(
    "name", ["metadata", "metadata.google.internal", "Metadata.Google.Internal.", "instance-data"]
)
def test_a_name_of_a_metadata_service_is_a_mistake(name: str) -> None:
    expected = "the address of a gateway; this names the metadata service of a cloud"
    found = mistakes_in(to_gateway(f"{name}:80"), loopback=True)
    assert found == (Mistake("gateway-address", f"{name}:80", expected),)


WITHOUT_GATEWAY = "no such setting without addressing gateway"
WITHOUT_TLS = "no such setting without gateway-tls unverified or verified"
LABEL = "1 to 63 letters, digits, '-', '_' and '.', with a letter or a digit at both ends"


@pytest.mark.parametrize(
    ("texts", "name", "value", "expected"),
    [
        pytest.param(
            {"addressing": "nodeports"},
            "addressing",
            "nodeports",
            "pods, nodePorts or gateway",
            id="addressing",
        ),
        pytest.param(
            BY_GATEWAY,
            "gateway-address",
            "",
            f"{HOST_AND_PORT}, which addressing gateway needs; it is missing",
            id="gateway-without-an-address",
        ),
        pytest.param(
            {"gateway-address": f"{GW}:1"},
            "gateway-address",
            f"{GW}:1",
            WITHOUT_GATEWAY,
            id="an-address-for-pods",
        ),
        pytest.param(
            {"addressing": "nodePorts", "gateway-tls": "off"},
            "gateway-tls",
            "off",
            WITHOUT_GATEWAY,
            id="tls-for-node-ports",
        ),
        pytest.param({"gateway-sni": GW}, "gateway-sni", GW, WITHOUT_GATEWAY, id="a-name-for-pods"),
        pytest.param(
            {"addressing": "gatway", "gateway-address": f"{GW}:1"},
            "addressing",
            "gatway",
            "pods, nodePorts or gateway",
            id="what-follows-from-another-mistake-is-none",
        ),
        pytest.param(
            to_gateway(f"{GW}:1", gateway_tls="on"),
            "gateway-tls",
            "on",
            "off, unverified or verified",
            id="tls",
        ),
        pytest.param(
            to_gateway(f"{GW}:1", gateway_sni=GW), "gateway-sni", GW, WITHOUT_TLS, id="no-tls"
        ),
        pytest.param(
            to_gateway(f"{GW}:1", gateway_tls="verified", gateway_sni="192.0.2.1"),
            "gateway-sni",
            "192.0.2.1",
            "a DNS name such as gw.example.com",
            id="an-address-is-no-server-name",
        ),
        pytest.param(
            to_gateway("192.0.2.1:1", gateway_tls="verified"),
            "gateway-sni",
            "",
            "the DNS name in the gateway's certificate, since gateway-address has none",
            id="verified-without-a-name",
        ),
        pytest.param({"region": ""}, "region", "", LABEL, id="empty-region"),
        pytest.param({"region": "e" * 64}, "region", "e" * 64, LABEL, id="long-region"),
        pytest.param({"zone": "-a"}, "zone", "-a", LABEL, id="zone"),
        pytest.param({"zone": "zürich"}, "zone", "zürich", LABEL, id="letters-of-ascii"),
        pytest.param(
            {"pod-cidrs": "10.1.0.0/16,10.2/16"},
            "pod-cidrs",
            "10.2/16",
            "networks such as 10.1.0.0/16, with commas between them",
            id="networks",
        ),
        pytest.param({"zones": "a"}, "zones", "a", "zone", id="misspelt"),
        pytest.param(
            {"colour": "red"}, "colour", "red", f"one of {', '.join(NAMES)}", id="unknown"
        ),
    ],
)
def test_a_mistake_is_named(texts: dict[str, str], name: str, value: str, expected: str) -> None:
    assert mistakes_in(texts) == (Mistake(name, value, expected),)


def test_settings_of_a_gateway_that_is_not_used_have_one_mistake_each() -> None:
    texts = {"gateway-address": "192.0.2.1:1", "gateway-tls": "verified"}
    assert mistakes_in(texts) == (
        Mistake("gateway-address", "192.0.2.1:1", WITHOUT_GATEWAY),
        Mistake("gateway-tls", "verified", WITHOUT_GATEWAY),
    )


def test_all_mistakes_are_given_at_once() -> None:
    texts = {"addressing": "node", "regio": "a", "zone": "", "pod-cidrs": "x", "gateway-tls": "x"}
    assert [mistake.name for mistake in mistakes_in(texts)] == sorted(texts)


def test_every_setting_is_read() -> None:
    """A setting that the table has and that no code reads would be without effect."""
    assert [mistake.name for mistake in mistakes_in(dict.fromkeys(NAMES, "?"))] == sorted(NAMES)
    assert len(NAMES) == len(SETTINGS)


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        pytest.param("a", True, id="one-label"),
        pytest.param("a.b-c.d1.", True, id="absolute"),
        pytest.param(".", False, id="root"),
        pytest.param("", False, id="empty"),
        pytest.param("a..", False, id="two-dots"),
        pytest.param("a.b-", False, id="hyphen-at-the-end"),
        pytest.param("127.1", False, id="short-address"),
        pytest.param("0x7f000001", False, id="address-in-hexadecimal"),
        pytest.param("a.0X", False, id="hexadecimal-without-digits"),
        pytest.param("1.a", True, id="number-before-a-word"),
    ],
)
def test_dns_names(text: str, is_name: bool) -> None:
    assert is_dns_name(text) == is_name
