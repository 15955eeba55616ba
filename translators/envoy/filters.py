"""The HTTP filters, in one fixed order.

All filters are always present and enabled. A filter that a policy uses does nothing until a route
or a host has a configuration for it, under the name that is defined here. So a change of a route
never changes a Listener, and no connections are drained.

No filter is `disabled`: Envoy decides about that by the first route that it finds. For a wildcard
host, or a host in capitals, the request takes another route later, and the filter would stay off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from translators.envoy.answers import change_answers
from translators.envoy.client_certificates import idle
from translators.envoy.forwarded import Peer, name_client
from translators.envoy.header_edits import absent
from translators.envoy.loops import stop_loops
from translators.envoy.md5_passwords import PASSWORDS, md5_passwords
from translators.envoy.messages import (
    Composite,
    Cors,
    CustomResponse,
    HeaderMutation,
    HeaderMutationMutations,
    HttpRbac,
    LocalRateLimit,
    Router,
    StatefulSession,
)
from translators.envoy.repair import repair
from translators.envoy.retries import repeat_idempotent
from translators.envoy.scoped_routes import searches
from translators.envoy.sign_in import SIGN_IN, sign_in

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.header_mutation import v3 as header_mutation

CLIENTS: Final = "fleetgate.client_certificates"
CORS: Final = "envoy.filters.http.cors"
SOURCES: Final = "envoy.filters.http.rbac"
"""Lists of client addresses. The list of a route replaces that of its host."""
ACCESS: Final = "fleetgate.access"
"""A Composite for filters that have no idle configuration, such as basic or external authorization.

They run inside of it, in the order that a route's configuration gives."""
CLIENT_RATE_LIMIT: Final = "fleetgate.client_rate_limit"
"""Limits of each client address."""
RATE_LIMIT: Final = "envoy.filters.http.local_ratelimit"
"""Limits of all clients together."""
ERRORS: Final = "envoy.filters.http.custom_response"
SESSION: Final = "envoy.filters.http.stateful_session"
ANSWERS: Final = "fleetgate.answers"


def http_filters(
    gateway: str, peer: Peer, hsts: str = ""
) -> Iterator[tuple[str, Any]]:  # of different types
    """Yield all HTTP filters in their order. A comment gives the reason for each place.

    `hsts` is the Strict-Transport-Security of all answers; "" stands for none.
    """
    if hsts:
        # Before all that may answer: the first filter sees the answers of all others.
        yield "fleetgate.hsts", _strict_transport(hsts)
    # Before all others: a request that is refused needs nothing else.
    yield "fleetgate.loop", stop_loops(gateway)
    # Next: what follows must see the route that the request really takes.
    yield from searches()
    # Before all that looks at the path or the route.
    yield "fleetgate.repair", repair()
    # Before all that may ask who the client is.
    yield from name_client(peer)
    # Before all that may refuse a request: a browser shows a refusal to its page by these headers,
    # and asks for them without the page's credentials.
    yield CORS, Cors()
    # Before all that asks less of a client than a certificate.
    yield CLIENTS, idle()
    # Before all that costs more than to compare the address of a client with a list.
    yield SOURCES, HttpRbac()
    # Before the check of passwords, so that a client cannot guess many.
    yield CLIENT_RATE_LIMIT, LocalRateLimit(stat_prefix="client_rate_limit")
    # Before the filter that refuses requests without its note.
    yield PASSWORDS, md5_passwords()
    # Before the filters whose refusal it turns into a redirect: answers pass in the other order.
    yield SIGN_IN, sign_in()
    # Before the next limit: a client without access must not use up the requests of others.
    yield ACCESS, Composite()
    yield RATE_LIMIT, LocalRateLimit(stat_prefix="rate_limit")
    # Behind all that may refuse a request: the answers of these are not those of a backend.
    yield ERRORS, CustomResponse()
    # After all that may refuse a request, and before the router, which asks the Pod that it names.
    yield SESSION, StatefulSession()
    # Answers pass the filters from the end, so the gateway's own cookies are not there yet.
    yield ANSWERS, change_answers()
    # Anywhere before the router, which reads what it sets.
    yield "fleetgate.idempotent_retry", repeat_idempotent()
    yield "envoy.filters.http.router", Router()


def _strict_transport(value: str) -> header_mutation.HeaderMutation:
    """Add the header to answers. What a backend says itself stays."""
    rules = [absent("strict-transport-security", value)]
    return HeaderMutation(mutations=HeaderMutationMutations(response_mutations=rules))
