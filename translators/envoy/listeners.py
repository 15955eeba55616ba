"""Listeners: edge settings, and the HTTP filters in their fixed order.

HTTP filters are always installed, idle, in one order; a route switches them on. So a route change
never changes a Listener, and nothing drains.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from translators.envoy.filters import http_filters
from translators.envoy.forwarded import Chain, chains, client_address, early_rules, listener_filters
from translators.envoy.header_edits import MOST_HEADERS
from translators.envoy.messages import (
    Address,
    EarlyHeaderMutation,
    Filter,
    FilterChain,
    HeadersWithUnderscoresAction,
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
    SocketAddress,
    StringMatcher,
    TypedExtensionConfig,
)
from translators.envoy.names import listener_name
from translators.envoy.parts import Fields, Keywords, ListenerParts
from translators.envoy.retries import unkept_upload
from translators.envoy.scoped_routes import scoped_routes, set_scope
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings, PathNormalization
from translators.model.listeners import Entry
from xds.resource import Resource
from xds.wire import encode, pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.listener import v3 as listener


_KIB: Final = 1024

_PER_CONNECTION_BUFFER: Final = 64 * _KIB
"""How much of a client's connection is read at a time, and held for one that reads slowly. It is
well below what a route holds for retries (`translators.envoy.retries.REPEATABLE`): a Pod that
refuses the connection is found out before so much of an upload is there."""

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


def build_listener(
    gateway: str, entry: Entry, bind: Bind, edge: EdgeSettings, parts: ListenerParts | None = None
) -> Resource:
    """The plain HTTP listener of an entry; `gateway` is a name, `bind` can take the port."""
    added = parts or ListenerParts()
    name = listener_name(entry.at)
    socket = SocketAddress(address=bind.address, port_value=bind.port_for(entry.at))
    own: Keywords = {
        "name": name,
        "stat_prefix": name,
        "address": Address(socket_address=socket),
        "per_connection_buffer_limit_bytes": _PER_CONNECTION_BUFFER,
        "listener_filters": listener_filters(edge),
        "filter_chains": [
            _filter_chain(gateway, entry, edge, chain, added.manager) for chain in chains(edge)
        ],
    }
    return Resource.of(name, encode(Listener(**added.listener.over(own))))


def _filter_chain(
    gateway: str, entry: Entry, edge: EdgeSettings, chain: Chain, fields: Fields
) -> listener.FilterChain:
    """How connections of one kind of peer are served."""
    own: Keywords = {
        "stat_prefix": listener_name(entry.at),
        "scoped_routes": scoped_routes(entry.tables),
        "early_header_mutation_extensions": [
            _early_mutations(set_scope(entry.tables), *early_rules(chain.peer, entry.at))
        ],
        "http_filters": [
            HttpFilter(name=name, typed_config=pack(config))
            for name, config in http_filters(gateway, chain.peer)
        ],
        "local_reply_config": LocalReplyConfig(mappers=[unkept_upload()]),
        "upgrade_configs": [
            HttpConnectionManagerUpgradeConfig(upgrade_type=each) for each in _UPGRADES
        ],
        **client_address(chain.peer, edge),
        **_edge_settings(edge),
    }
    manager = HttpConnectionManager(**fields.over(own))
    http = Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(manager))
    filters = [*chain.filters, http]
    return FilterChain(name=chain.name, filter_chain_match=chain.match, filters=filters)


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
