"""Loops: a gateway refuses a request that it has forwarded too often.

A request can return to its gateway if an endpoint of a backend is the gateway's own listener. Each
gateway adds its name to the CDN-Loop header (RFC 8586), so a chain of several gateways is no loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import CdnLoopConfig
from translators.envoy.names import loop_name

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.cdn_loop import v3 as cdn_loop

PASSES: Final = 4
"""The number of times that a gateway takes one request.

It is more than 1, because a proxy that copies all headers may send a request through the gateway
again on purpose, and because two fleets may have gateways of the same name."""


def stop_loops(gateway: str) -> cdn_loop.CdnLoopConfig:
    """Configure the filter that counts the passes of a request, and answers 502 beyond the last."""
    return CdnLoopConfig(cdn_id=loop_name(gateway), max_allowed_occurrences=PASSES - 1)
