"""Listeners: edge settings, and the HTTP filters in their fixed order.

HTTP filters are always installed, idle, in one order; a route switches them on. So a route change
never changes a Listener, and nothing drains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fleet.address import is_loopback
from fleet.ref import Ref
from translators.edge import EdgeSettings, PathNormalization
from translators.forwarded import (
    Chain,
    Peer,
    chains,
    client_address,
    early_rules,
    listener_filters,
    name_client,
)
from translators.headers import MOST_HEADERS
from translators.loops import stop_loops
from translators.matching import header, only_where, regex
from translators.messages import (
    AccessLogFilter,
    Address,
    AppendAction,
    EarlyHeaderMutation,
    ExpressionFilter,
    ExtensionFilter,
    Filter,
    FilterChain,
    HeaderMutation,
    HeaderMutationMutations,
    HeaderMutationRule,
    HeadersWithUnderscoresAction,
    HeaderValue,
    HeaderValueOption,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpConnectionManager,
    HttpConnectionManagerUpgradeConfig,
    HttpFilter,
    HttpProtocolOptions,
    Listener,
    LocalReplyConfig,
    PathWithEscapedSlashesAction,
    RegexMatcher,
    ResponseMapper,
    Router,
    SocketAddress,
    StringMatcher,
    TypedExtensionConfig,
)
from translators.model import MAX_PORT, Entry, ListenerPort
from translators.names import listener_name
from translators.repair import repair
from translators.scopes import scoped_routes, searches, set_scope
from xds.resource import Resource
from xds.wire import encode, pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.listener import v3 as listener
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm

IDEMPOTENT: Final = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
"""Methods that RFC 9110 section 9.2.2 lets a proxy repeat."""

_KIB: Final = 1024
_PER_CONNECTION_BUFFER: Final = 64 * _KIB
"""How much of a client's connection is read at a time, and held for one that reads slowly. It is
well below what a route holds for retries (`translators.routes.REPEATABLE`): a Pod that refuses the
connection is found out before so much of an upload is there."""

_PATHS: Final[Mapping[PathNormalization, Mapping[str, Any]]] = {  # keywords, as below
    PathNormalization.BASE: {
        "merge_slashes": False,
        "path_with_escaped_slashes_action": PathWithEscapedSlashesAction.KEEP_UNCHANGED,
    },
    PathNormalization.STRICT: {
        "merge_slashes": True,
        "path_with_escaped_slashes_action": PathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT,
    },
}

_UPGRADES: Final = ("websocket", "SPDY/3.1")
"""Protocols that a connection may change to; `kubectl exec` and `port-forward` speak SPDY."""

_IGNORED_UPGRADES: Final = "[^WwSs].*"
"""What begins like none of these; RE2 has no "but". Envoy would answer 403 to clients that offer
TLS or HTTP/2 in every request, as Apache's do."""

_NO_HOST: Final = "_"
"""The host of HTTP/1.0 requests that name none: no rule can have it, so `SET|*` serves them. It is
what NGINX Ingress tells backends then."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where a gateway's Envoy listens: an address of its host, and what is added to every port.

    `taken` are the ports that Envoy itself needs there, so that no listener can have them. Where
    clients are `elsewhere`, a loopback address is no way to the gateway.
    """

    address: str = "0.0.0.0"  # noqa: S104 (a gateway serves everybody; `--bind` narrows it)
    port_offset: int = 0
    taken: frozenset[int] = frozenset()
    elsewhere: bool = False

    def can_show(self, address: str) -> bool:
        """Whether clients can be told an address, by which they reach the gateway."""
        unspecified = address in {"0.0.0.0", "::"}  # noqa: S104 (compared, not bound)
        return not unspecified and not (self.elsewhere and is_loopback(address))

    def port_for(self, listener: ListenerPort) -> int:
        """Where the listener really listens."""
        return listener.port + self.port_offset

    def takes(self, listener: ListenerPort) -> bool:
        """Whether there is a port for the listener."""
        port = self.port_for(listener)
        return port <= MAX_PORT and port not in self.taken


def build_listener(gateway: Ref, entry: Entry, bind: Bind, edge: EdgeSettings) -> Resource:
    """The plain HTTP listener of an entry; `bind` can take its port."""
    name = listener_name(entry.at)
    socket = SocketAddress(address=bind.address, port_value=bind.port_for(entry.at))
    message = Listener(
        name=name,
        stat_prefix=name,
        address=Address(socket_address=socket),
        per_connection_buffer_limit_bytes=_PER_CONNECTION_BUFFER,
        listener_filters=listener_filters(edge),
        filter_chains=[_filter_chain(gateway, entry, edge, chain) for chain in chains(edge)],
    )
    return Resource.of(name, encode(message))


def _filter_chain(
    gateway: Ref, entry: Entry, edge: EdgeSettings, chain: Chain
) -> listener.FilterChain:
    """How connections of one kind of peer are served."""
    manager = HttpConnectionManager(
        stat_prefix=listener_name(entry.at),
        scoped_routes=scoped_routes(entry.tables),
        early_header_mutation_extensions=[
            _early_mutations(set_scope(entry.tables), *early_rules(chain.peer, entry.at))
        ],
        http_filters=[
            HttpFilter(name=name, typed_config=pack(config))
            for name, config in _http_filters(gateway, chain.peer)
        ],
        local_reply_config=LocalReplyConfig(mappers=[_not_repeated()]),
        upgrade_configs=[
            HttpConnectionManagerUpgradeConfig(upgrade_type=each) for each in _UPGRADES
        ],
        **client_address(chain.peer, edge),
        **_edge_settings(edge),
    )
    http = Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(manager))
    filters = [*chain.filters, http]
    return FilterChain(name=chain.name, filter_chain_match=chain.match, filters=filters)


def _http_filters(
    gateway: Ref, peer: Peer
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
    yield "fleetgate.idempotent_retry", _idempotent_retry()
    yield "envoy.filters.http.router", Router()


def _not_repeated() -> hcm.ResponseMapper:
    """Answer 503, as for all that no Pod could be reached for, where Envoy says 507 by itself.

    It does so when more of an upload has come in than can be kept while a retry is waited for.
    """
    full = "response.code_details == 'request_payload_exceeded_retry_buffer_limit'"
    expression = ExtensionFilter(name="cel", typed_config=pack(ExpressionFilter(expression=full)))
    return ResponseMapper(filter=AccessLogFilter(extension_filter=expression), status_code=503)


def _idempotent_retry() -> matching.ExtensionWithMatcher:
    """Repeat idempotent requests also after they were sent, while there is no answer.

    `reset` in a route's `retry_on` would repeat POSTs too, so it comes by request header. Without a
    retry policy on the route the header alone would give one retry, so every route carries one.
    """
    set_header = HeaderMutationRule(
        append=HeaderValueOption(
            header=HeaderValue(key="x-envoy-retry-on", value="reset"),
            append_action=AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        )
    )
    return only_where(
        header(":method", regex("|".join(IDEMPOTENT))),
        "envoy.filters.http.header_mutation",
        HeaderMutation(mutations=HeaderMutationMutations(request_mutations=[set_header])),
    )


def _early_mutations(
    *mutations: mutation_rules.HeaderMutation,
) -> core.TypedExtensionConfig:
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=pack(EarlyHeaderMutation(mutations=[*mutations])),
    )


def _edge_settings(edge: EdgeSettings) -> dict[str, Any]:  # keywords of HttpConnectionManager
    """What Envoy's documentation asks of a proxy at the edge.

    `strip_trailing_host_dot` acts before the scope is set.
    """
    return {
        "strip_trailing_host_dot": True,
        "normalize_path": True,
        **_PATHS[edge.paths],
        "common_http_protocol_options": HttpProtocolOptions(
            idle_timeout=timedelta(hours=1),
            # Backends may take "_" for "-": such a header would be another one than rules saw.
            headers_with_underscores_action=HeadersWithUnderscoresAction.DROP_HEADER,
            max_headers_count=MOST_HEADERS,
        ),
        # Health checks of load balancers speak it.
        "http_protocol_options": Http1ProtocolOptions(
            accept_http_10=True,
            default_host_for_http_10=_NO_HOST,
            ignore_http_11_upgrade=[
                StringMatcher(safe_regex=RegexMatcher(regex=_IGNORED_UPGRADES))
            ],
        ),
        "http2_protocol_options": Http2ProtocolOptions(
            max_concurrent_streams=100,
            initial_stream_window_size=64 * _KIB,
            initial_connection_window_size=1024 * _KIB,
        ),
        "request_headers_timeout": timedelta(seconds=10),
        "preserve_external_request_id": True,
        "stream_idle_timeout": edge.stream_idle,
        # From the last write on, so a client that reads slowly to the end keeps its connection.
        "delayed_close_timeout": timedelta(seconds=8),
    }
