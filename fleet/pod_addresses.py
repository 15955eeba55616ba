"""Which addresses the endpoints of a member may have.

Whoever writes EndpointSlices in a member decides where a gateway's requests go. An address that is
no Pod's would lead them to Envoy's own machine, to its neighbours on the link, or to the metadata
service of a cloud, which hands out credentials.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

POD_CIDRS: Final = "fleetgate.dev/pod-cidrs"
"""The annotation of a member's Secret that says in which networks its Pods are."""

_PODS: Final = ""
_LOOPBACK: Final = "a loopback address"
_UNSPECIFIED: Final = "an unspecified address"
_LINK_LOCAL: Final = "a link-local address"
_METADATA: Final = "the metadata service of a cloud"
_MULTICAST: Final = "a multicast address"
_RESERVED: Final = "a reserved address"
_EMBEDDED: Final = "an IPv4 address in the form of IPv6"

_FROM_HERE_ON: Final[tuple[tuple[tuple[str, str], ...], ...]] = (
    (
        ("0.0.0.0", _UNSPECIFIED),  # noqa: S104 (that is refused)
        ("1.0.0.0", _PODS),
        ("100.100.100.200", _METADATA),
        ("100.100.100.201", _PODS),
        ("127.0.0.0", _LOOPBACK),
        ("128.0.0.0", _PODS),
        ("168.63.129.16", _METADATA),
        ("168.63.129.17", _PODS),
        ("169.254.0.0", _LINK_LOCAL),
        ("169.255.0.0", _PODS),
        ("192.0.0.192", _METADATA),
        ("192.0.0.193", _PODS),
        ("224.0.0.0", _MULTICAST),
        ("240.0.0.0", _RESERVED),
    ),
    (
        ("::", _UNSPECIFIED),
        ("::1", _LOOPBACK),
        ("::2", _RESERVED),
        ("::ffff:0:0", _EMBEDDED),
        ("::1:0:0:0", _RESERVED),
        ("2000::", _PODS),
        ("2002::", _EMBEDDED),
        ("2003::", _PODS),
        ("4000::", _RESERVED),
        ("fc00::", _PODS),
        ("fd00:ec2::254", _METADATA),
        ("fd00:ec2::255", _PODS),
        ("fd20:ce::254", _METADATA),
        ("fd20:ce::255", _PODS),
        ("fe00::", _RESERVED),
        ("fe80::", _LINK_LOCAL),
        ("fec0::", _RESERVED),
        ("ff00::", _MULTICAST),
    ),
)
"""What addresses are, of IPv4 and of IPv6: each from one on, up to the next one that is named."""


class NotOfAPod(ValueError):
    """An address that no endpoint of a member may have; the text completes "expected ..."."""


@dataclass(frozen=True, slots=True)
class PodAddresses:
    """The addresses of one member's endpoints.

    `loopback` is for members of a directory fleet, which may be processes of this machine.
    `networks` are those that its Pods are in; none means that this is not known.
    """

    loopback: bool = False
    networks: tuple[Network, ...] = ()

    def spell(self, text: str) -> str:
        """An endpoint's address in its usual spelling. Raises NotOfAPod. About 4 µs."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise NotOfAPod("the IPv4 or IPv6 address of a Pod") from None
        what = _LINK_LOCAL if "%" in text else kind_of(address)  # "%eth0" is one of a link
        if what and not (self.loopback and what == _LOOPBACK):
            raise NotOfAPod(f"the IPv4 or IPv6 address of a Pod; this is {what}")
        if self.networks and not any(address in network for network in self.networks):
            named = ", ".join(map(str, self.networks[:3])) + (", ..." * (len(self.networks) > 3))
            raise NotOfAPod(f"an address in the networks of the member's Pods: {named}")
        return str(address)


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that texts such as 10.1.0.0/16 name. Raises ValueError where one is none.

    An address with bits behind its prefix is a mistake: it may be the prefix that is wrong.
    """
    return tuple(ipaddress.ip_network(text) for text in texts)


def kind_of(address: Address) -> str:
    """What an address is, "" for what a Pod can have."""
    starts, kinds = _steps(address.version)
    return kinds[bisect_right(starts, int(address)) - 1]


@cache
def _steps(version: int) -> tuple[list[int], list[str]]:
    steps = _FROM_HERE_ON[version == 6]
    return [int(ipaddress.ip_address(first)) for first, _ in steps], [kind for _, kind in steps]
