"""The client's address as a condition of routes.

A RouteMatch knows no addresses, but it can look at the state of a request. So an HTTP filter stores
the address there once it is known, and Envoy looks for the route again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    DataSource,
    FilterStateMatcher,
    FilterStateValue,
    HttpSetFilterState,
    SubstitutionFormatString,
)
from translators.envoy.ranges import among
from translators.model.edge import Network

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.set_filter_state import v3 as filter_state
    from envoy_data_plane.envoy.type.matcher import v3 as matcher

_CLIENT: Final = "fleetgate.client"


@cache
def remember_client() -> filter_state.Config:
    """Configure the filter that stores the address that the edge has found."""
    address = DataSource(inline_string="%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")
    value = FilterStateValue(
        object_key=_CLIENT,
        factory_key="envoy.network.ip",
        format_string=SubstitutionFormatString(text_format_source=address),
    )
    return HttpSetFilterState(on_request_headers=[value], clear_route_cache=True)


def client_among(networks: Iterable[Network]) -> matcher.FilterStateMatcher:
    """Match a client whose address is in one of the networks."""
    return FilterStateMatcher(key=_CLIENT, address_match=among(networks))
