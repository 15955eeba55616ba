"""The HTTP filters, in one fixed order.

All filters are always present. A filter that a policy uses does nothing until a route or a host has
a configuration for it, under the name that is defined here. So a change of a route never changes a
Listener, and no connections are drained.

Each filter costs a request about 1 % of Envoy's CPU, even if it does nothing. So most filters of
policies stand in groups of the name `GROUP`, and the table of a host that uses none of them
switches the groups off. No filter is `disabled` by the Listener: Envoy decides about that by the
first route that it finds. For a wildcard host, or a host in capitals, the request has no route at
first, and the filter would stay off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from translators.envoy.answers import change_answers
from translators.envoy.client_certificates import idle
from translators.envoy.clients import remember_client
from translators.envoy.compression import compress
from translators.envoy.forwarded import Peer, hide_scheme, name_client
from translators.envoy.header_edits import absent
from translators.envoy.loops import stop_loops
from translators.envoy.md5_passwords import PASSWORDS, md5_passwords
from translators.envoy.messages import (
    Composite,
    Cors,
    CustomResponse,
    HeaderMutation,
    HeaderMutationMutations,
    HttpFilterChain,
    HttpFilterChainConfig,
    HttpRbac,
    LocalRateLimit,
    Router,
    StatefulSession,
    TypedExtensionConfig,
)
from translators.envoy.queries import replace_queries
from translators.envoy.repair import repair
from translators.envoy.retries import repeat_idempotent
from translators.envoy.scoped_routes import searches
from translators.envoy.sign_in import SIGN_IN, sign_in
from translators.model.listeners import USUAL, ListenerSettings
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.filter_chain import v3 as http_filter_chain
    from envoy_data_plane.envoy.extensions.filters.http.header_mutation import v3 as header_mutation

CLIENTS: Final = "fleetgate.client_certificates"
CLIENT: Final = "fleetgate.client"
"""It stores the client's address, for the conditions of routes."""
CORS: Final = "envoy.filters.http.cors"
LISTENER_SOURCES: Final = "fleetgate.listener_clients"
"""The list of client addresses of a listener."""
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
QUERY: Final = "fleetgate.query"
"""Another query for the backend."""
ANSWERS: Final = "fleetgate.answers"

GROUP: Final = "fleetgate.policies"
"""The name of all groups of filters, by which a table switches them off."""

GROUPED: Final = frozenset(
    {
        LISTENER_SOURCES,
        CLIENT,
        CLIENTS,
        SOURCES,
        CLIENT_RATE_LIMIT,
        PASSWORDS,
        SIGN_IN,
        RATE_LIMIT,
        ERRORS,
        SESSION,
        QUERY,
        ANSWERS,
    }
)
"""The filters that stand in groups."""

NONE: Final[Mapping[str, Any]] = MappingProxyType({})


def http_filters(
    gateway: str,
    peer: Peer,
    settings: ListenerSettings = USUAL,
    hsts: str = "",
    of_chain: Mapping[str, Any] = NONE,  # messages of different types
) -> Iterator[tuple[str, Any]]:  # of different types
    """Yield all HTTP filters in their order. A comment gives the reason for each place.

    `settings` are those of the listener. `hsts` is the Strict-Transport-Security of all answers; ""
    stands for none. `of_chain` has the configurations of the chain in place of idle ones. Such a
    filter stands in no group, because it concerns all requests over the chain, whatever table they
    use.
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
    # Before all that looks at the route, which can depend on the client's address.
    yield GROUP, _group({CLIENT: remember_client()})
    # Before all that may refuse a request: a browser shows a refusal to its page by these headers,
    # and asks for them without the page's credentials.
    yield CORS, Cors()
    before, behind = dict(_before_access()), dict(_behind_access())
    for name, config in of_chain.items():
        yield name, config
        before.pop(name, None)
    yield GROUP, _group(before)
    # Before the next limit: a client without access must not use up the requests of others.
    # It stands in no group, since Envoy does not support a Composite there.
    yield ACCESS, Composite()
    yield GROUP, _group(behind)
    # Behind all that looks at the header.
    yield from hide_scheme(settings.forwarded)
    # Next to the router: answers pass the filters from the end, and none changes a body.
    if settings.gzip:
        yield "fleetgate.compression", compress()
    # Anywhere before the router, which reads what it sets.
    yield "fleetgate.idempotent_retry", repeat_idempotent()
    yield "envoy.filters.http.router", Router()


def _before_access() -> Iterator[tuple[str, Any]]:
    # Before all that tells a client about the hosts behind the listener.
    yield LISTENER_SOURCES, HttpRbac()
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


def _behind_access() -> Iterator[tuple[str, Any]]:
    yield RATE_LIMIT, LocalRateLimit(stat_prefix="rate_limit")
    # Behind all that may refuse a request: the answers of these are not those of a backend.
    yield ERRORS, CustomResponse()
    # After all that may refuse a request, and before the router, which asks the Pod that it names.
    yield SESSION, StatefulSession()
    # Behind all that looks at the query of the client.
    yield QUERY, replace_queries()
    # Answers pass the filters from the end, so the gateway's own cookies are not there yet.
    yield ANSWERS, change_answers()


def _group(filters: Mapping[str, Any]) -> http_filter_chain.FilterChainConfig:
    configs = [TypedExtensionConfig(name=n, typed_config=pack(c)) for n, c in filters.items()]
    return HttpFilterChainConfig(default_filter_chain=HttpFilterChain(filters=configs))


def _strict_transport(value: str) -> header_mutation.HeaderMutation:
    """Add the header to answers. What a backend says itself stays."""
    rules = [absent("strict-transport-security", value)]
    return HeaderMutation(mutations=HeaderMutationMutations(response_mutations=rules))
