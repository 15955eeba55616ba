"""Networks in Envoy's messages, which have two types of ranges for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from translators.envoy.messages import AddressMatcher, CidrRange, XdsCidrRange
from translators.model.edge import Network

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.type.matcher import v3 as matcher


def ranges(networks: Iterable[Network]) -> list[core.CidrRange]:
    """Return the ranges of networks as most messages have them."""
    return [
        CidrRange(address_prefix=str(n.network_address), prefix_len=n.prefixlen) for n in networks
    ]


def among(networks: Iterable[Network], *, invert: bool = False) -> matcher.AddressMatcher:
    """Match an address in one of the networks; one in none of them if it is to `invert`."""
    within = [
        XdsCidrRange(address_prefix=str(n.network_address), prefix_len=n.prefixlen)
        for n in networks
    ]
    return AddressMatcher(ranges=within, invert_match=invert)
