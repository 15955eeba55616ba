"""Decides which addresses the endpoints of a member may have.

The authors of a member's EndpointSlices decide where a gateway sends requests. So an address that
no Pod can have is refused: it could be Envoy's own machine, a neighbour on its link, or the
metadata service of a cloud, which hands out credentials.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

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
        ("0.0.0.0", _UNSPECIFIED),  # noqa: S104 (nothing is bound to it)
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
"""Ranges of addresses, of IPv4 and then of IPv6: the first address, and the special purpose.

A range ends before the first address of the next one.
"""


class NotOfAPod(ValueError):
    """No endpoint of the member may have an address; the text completes "expected ..."."""


@dataclass(frozen=True, slots=True)
class PodAddresses:
    """The addresses that one member's endpoints may have.

    `loopback` permits loopback addresses, for members of a directory fleet: these may be processes
    of this machine. `networks` are the networks of the member's Pods; it is empty if these are not
    known, and then any address that a Pod can have is permitted.
    """

    loopback: bool = False
    networks: tuple[Network, ...] = ()

    def spell(self, text: str) -> str:
        """An endpoint's address in canonical spelling. Raises NotOfAPod. Costs about 4 µs."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise NotOfAPod("the IPv4 or IPv6 address of a Pod") from None
        if what := purpose_of(address, loopback=self.loopback):
            raise NotOfAPod(f"the IPv4 or IPv6 address of a Pod; this is {what}")
        if self.networks and not any(address in network for network in self.networks):
            named = ", ".join(map(str, self.networks[:3])) + (", ..." * (len(self.networks) > 3))
            raise NotOfAPod(f"an address in the networks of the member's Pods: {named}")
        return str(address)


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as 10.1.0.0/16. Raises ValueError for a text that is none.

    10.1.0.1/16 is an error too: it is unclear whether its address or its prefix is wrong.
    """
    return tuple(ipaddress.ip_network(text) for text in texts)


def purpose_of(address: Address, *, loopback: bool) -> str:
    """The special purpose that forbids to send requests to an address; "" if there is none.

    `loopback` permits loopback addresses.
    """
    is_scoped = address.version == 6 and address.scope_id is not None  # fe80::1%eth0 names a link
    what = _LINK_LOCAL if is_scoped else kind_of(address)
    return "" if loopback and what == _LOOPBACK else what


def kind_of(address: Address) -> str:
    """The special purpose of an address, such as "a multicast address"; "" if a Pod can have it."""
    starts, kinds = _steps(address.version)
    return kinds[bisect_right(starts, int(address)) - 1]


@cache
def _steps(version: int) -> tuple[list[int], list[str]]:
    steps = _FROM_HERE_ON[version == 6]
    return [int(ipaddress.ip_address(first)) for first, _ in steps], [kind for _, kind in steps]
