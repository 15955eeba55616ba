"""The HTTP filters, in one fixed order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translators.envoy.forwarded import Peer, name_client
from translators.envoy.loops import stop_loops
from translators.envoy.messages import Router
from translators.envoy.repair import repair
from translators.envoy.retries import repeat_idempotent
from translators.envoy.scoped_routes import searches


def http_filters(
    gateway: str, peer: Peer
) -> Iterable[tuple[str, Any]]:  # messages of different types
    """All HTTP filters, in order, with the reason for their place."""
    # First: a request that is refused needs nothing else.
    yield "fleetgate.loop", stop_loops(gateway)
    # Next: what follows must see the route that the request really takes.
    yield from searches()
    # Before all that looks at the path or the route.
    yield "fleetgate.repair", repair()
    # Before all that may ask who the client is.
    yield from name_client(peer)
    # Anywhere before the router, which reads what it sets.
    yield "fleetgate.idempotent_retry", repeat_idempotent()
    yield "envoy.filters.http.router", Router()
