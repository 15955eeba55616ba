"""An endpoint of a member may have only the address of a Pod."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.pod_addresses import NotOfAPod, PodAddresses, read_networks

PODS = [
    "1.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.199",
    "100.100.100.201",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.16.0.1",
    "192.168.0.1",
    "203.0.113.7",
    "223.255.255.255",
    "2001:db8::1",
    "2a00::1",
    "fc00::1",
    "fd00:ec2::253",
    "fd12:3456::1",
    "fdff:ffff::1",
]


@pytest.mark.parametrize("address", PODS)
def test_a_pod_may_have_this_address(address: str) -> None:
    assert PodAddresses().spell(address) == address


@pytest.mark.parametrize(
    ("address", "what"),
    [
        pytest.param("0.0.0.0", "unspecified", id="any"),  # noqa: S104 (input)
        pytest.param("0.1.2.3", "unspecified", id="this-network"),
        pytest.param("127.0.0.1", "loopback", id="loopback"),
        pytest.param("127.255.255.255", "loopback", id="the-last-of-loopback"),
        pytest.param("169.254.169.254", "link-local", id="metadata"),
        pytest.param("100.100.100.200", "metadata", id="metadata-of-alibaba"),
        pytest.param("168.63.129.16", "metadata", id="metadata-of-azure"),
        pytest.param("192.0.0.192", "metadata", id="metadata-of-oracle"),
        pytest.param("224.0.0.1", "multicast", id="multicast"),
        pytest.param("240.0.0.1", "reserved", id="reserved"),
        pytest.param("255.255.255.255", "reserved", id="broadcast"),
        pytest.param("::", "unspecified", id="any-of-ipv6"),
        pytest.param("::1", "loopback", id="loopback-of-ipv6"),
        pytest.param("::ffff:0.0.0.0", "in the form of IPv6", id="mapped-any"),
        pytest.param("::ffff:10.0.0.1", "in the form of IPv6", id="mapped-pod"),
        pytest.param("::ffff:127.0.0.1", "in the form of IPv6", id="mapped-loopback"),
        pytest.param("::127.0.0.1", "reserved", id="compatible"),
        pytest.param("64:ff9b::7f00:1", "reserved", id="translated"),
        pytest.param("2002:7f00:1::", "in the form of IPv6", id="6to4"),
        pytest.param("fe80::1", "link-local", id="link-local-of-ipv6"),
        pytest.param("fe80::1%eth0", "link-local", id="of-an-interface"),
        pytest.param("febf::1", "link-local", id="the-last-of-link-local"),
        pytest.param("fec0::1", "reserved", id="site-local"),
        pytest.param("ff02::1", "multicast", id="multicast-of-ipv6"),
        pytest.param("fd00:ec2::254", "metadata", id="metadata-of-amazon"),
        pytest.param("fd20:ce::254", "metadata", id="metadata-of-google"),
    ],
)
def test_no_pod_has_this_address(address: str, what: str) -> None:
    with pytest.raises(NotOfAPod, match=f"address of a Pod; this is .*{what}"):
        PodAddresses().spell(address)


@pytest.mark.parametrize("text", ["pod.example.com", "", "10.0.0", "10.0.0.1:80", "10.0.0.1/32"])
def test_what_is_no_address_is_no_pods(text: str) -> None:
    with pytest.raises(NotOfAPod, match=r"^the IPv4 or IPv6 address of a Pod$"):
        PodAddresses().spell(text)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.30.0.1", "::1"])
def test_a_member_of_this_machine_may_have_loopback(address: str) -> None:
    assert PodAddresses(loopback=True).spell(address) == address
    with pytest.raises(NotOfAPod, match="loopback"):
        PodAddresses().spell(address)


@given(st.ip_addresses())
def test_no_address_that_python_calls_special_is_a_pods(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    try:
        PodAddresses().spell(str(address))
    except NotOfAPod:
        return
    assert not address.is_loopback
    assert not address.is_link_local
    assert not address.is_multicast
    assert not address.is_reserved
    assert not address.is_unspecified


@pytest.mark.parametrize("text", ["10.1.0.0/33", "10.1.0/16", "10.1.2.3/16", "", "10.1.0.0/16 "])
def test_what_is_no_network_is_a_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_networks(["10.0.0.0/8", text])
