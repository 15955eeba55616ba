"""Requests that come back: a gateway answers one that it has forwarded too often.

A backend may be a gateway again: this one, by an endpoint that is its own listener. Each gateway
puts its name into CDN-Loop (RFC 8586), so gateways behind each other are no loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import CdnLoopConfig
from translators.envoy.names import loop_name

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.cdn_loop import v3 as cdn_loop

PASSES: Final = 4
"""How often a gateway takes one request. More than once, because proxies that copy all headers may
send it through again on purpose, and because two fleets may have gateways of one name."""


def stop_loops(gateway: str) -> cdn_loop.CdnLoopConfig:
    """The filter that counts a request's passes, and answers 502 beyond the last."""
    return CdnLoopConfig(cdn_id=loop_name(gateway), max_allowed_occurrences=PASSES - 1)
