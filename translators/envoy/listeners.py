"""Listeners: the socket, the filter chains by kind of peer, and the settings of HTTP at the edge.

A Listener depends on its gateway only, and never on routes. Envoy drains the connections of a
Listener that changes. `translators.envoy.filters` has the HTTP filters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from translators.envoy import http3
from translators.envoy.client_certificates import refusals, verified_alone
from translators.envoy.filter_chains import (
    NO_LABELS,
    LabelledHosts,
    chosen_by_name,
    chosen_by_peer,
    label_of,
    labelled,
    read_name,
)
from translators.envoy.filters import CLIENTS, NONE, http_filters
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
from translators.envoy.parts import ChainParts, Fields, Keywords, ListenerParts
from translators.envoy.retries import unkept_upload
from translators.envoy.scoped_routes import scoped_routes, set_scope
from translators.envoy.tls import HANDSHAKE, server_tls
from translators.envoy.tunnels import tunnel
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings, PathNormalization
from translators.model.listeners import Entry, ListenerSettings
from xds.resource import Resource
from xds.wire import encode, field, pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.listener import v3 as listener


_KIB: Final = 1024

_CHAINS: Final = 3  # Listener.filter_chains

_PER_CONNECTION_BUFFER: Final = 64 * _KIB
"""The bytes that are read from a client at a time, and that are held for one that reads slowly.

It is far less than what is kept of a request for retries (`translators.envoy.retries.REPEATABLE`).
So a Pod that refuses the connection is noticed before that much of an upload has come in."""

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
"""A pattern for all other protocols: RE2 has no negation, so it looks at the first letter.

Without it, Envoy would answer 403 to clients that offer TLS or HTTP/2 in every request, as Apache's
do."""

_NO_HOST: Final = "_"
"""The host of HTTP/1.0 requests that name none. NGINX Ingress sends the same to backends.

No rule can have this host, so the table `SET|*` serves such requests."""


class HostChains(NamedTuple):
    """The encoded filter chains that hosts have of their own, and what a choice has to know."""

    hosts: LabelledHosts = NO_LABELS
    bodies: tuple[bytes, ...] = ()


NO_CHAINS: Final = HostChains()


def build_listener(
    gateway: str,
    entry: Entry,
    bind: Bind,
    edge: EdgeSettings,
    parts: ListenerParts | None = None,
    of_hosts: HostChains = NO_CHAINS,
) -> Resource:
    """Build the Listener of an entry, whose port `bind` must be able to take.

    `gateway` is the name of the gateway.
    """
    added = parts or ListenerParts()
    peers = list(chains(edge))
    own: Keywords = {
        **_common_fields(entry, bind),
        "listener_filters": [*listener_filters(edge), *([read_name()] if entry.tls else [])],
        "filter_chains": [
            _filter_chain(gateway, entry, edge, chain, added.manager) for chain in peers
        ],
        "filter_chain_matcher": (
            chosen_by_name(peers, of_hosts.hosts) if entry.tls else chosen_by_peer(peers)
        ),
    }
    body = encode(Listener(**added.listener.over(own)))
    more = b"".join(field(_CHAINS, chain) for chain in of_hosts.bodies)
    return Resource.of(listener_name(entry.at), body + more)


def build_quic_listener(
    gateway: str,
    entry: Entry,
    bind: Bind,
    edge: EdgeSettings,
    parts: ListenerParts | None,
    certificates: Sequence[str],
) -> Resource:
    """Build the Listener of an entry for QUIC. `certificates` are names of Secrets, at least one.

    It reads no PROXY headers, which exist on TCP alone, and has no chains of hosts.
    """
    added = parts or ListenerParts()
    peers = list(chains(replace(edge, proxy_protocol=False)))
    tls = http3.quic_tls(certificates)
    own: Keywords = {
        **_common_fields(entry, bind),
        **http3.listener_fields(),
        "filter_chains": [
            FilterChain(
                name=chain.name,
                filters=[_http(gateway, entry, edge, chain, added.manager, http3.MANAGER)],
                transport_socket=tls,
            )
            for chain in peers
        ],
        "filter_chain_matcher": chosen_by_peer(peers),
    }
    return Resource.of(listener_name(entry.at), encode(Listener(**added.listener.over(own))))


def chains_of_host(
    gateway: str,
    entry: Entry,
    edge: EdgeSettings,
    host: ChainParts,
    parts: ListenerParts | None = None,
) -> Iterator[bytes]:
    """Yield the encoded filter chains of a host, one in place of each that the listener has."""
    added = parts or ListenerParts()
    for chain in chains(edge):
        name = labelled(label_of(host), chain)
        of_host = chain._replace(name=name, filters=(*chain.filters, *host.network))
        if host.tunnel:
            filters = [*of_host.filters, tunnel(host.tunnel)]
            yield encode(FilterChain(name=name, filters=filters))
        else:
            entry = entry._replace(tls=host.tls)
            yield encode(_filter_chain(gateway, entry, edge, of_host, added.manager, host))


def _common_fields(entry: Entry, bind: Bind) -> Keywords:
    """Return the fields that all Listeners have."""
    name = listener_name(entry.at)
    socket = SocketAddress(
        address=bind.address,
        port_value=bind.port_for(entry.at),
        protocol=http3.socket_protocol(entry.at),
    )
    return {
        "name": name,
        "stat_prefix": name,
        "address": Address(socket_address=socket),
        "per_connection_buffer_limit_bytes": _PER_CONNECTION_BUFFER,
    }


def _filter_chain(
    gateway: str,
    entry: Entry,
    edge: EdgeSettings,
    chain: Chain,
    fields: Fields,
    host: ChainParts | None = None,
) -> listener.FilterChain:
    """Build a filter chain that serves HTTP, perhaps for one host only."""
    # A host with a chain of its own may ask for what QUIC does not have, such as certificates.
    wanted = edge.http3 or entry.settings.advertised
    has_quic = wanted and entry.tls and not entry.tls.clients and host is None
    advertised = http3.advertise(entry.at) if has_quic else ()
    http = _http(gateway, entry, edge, chain, fields, {}, advertised, host)
    built: Keywords = {"name": chain.name, "filters": [*chain.filters, http]}
    if entry.tls:
        built["transport_socket"] = server_tls(entry.tls)
        built["transport_socket_connect_timeout"] = HANDSHAKE
    return FilterChain(**built)


def _http(
    gateway: str,
    entry: Entry,
    edge: EdgeSettings,
    chain: Chain,
    fields: Fields,
    more: Keywords,
    first: Iterable[tuple[str, Any]] = (),  # messages of different types
    host: ChainParts | None = None,
) -> listener.Filter:
    """Build the HttpConnectionManager of a chain, with `more` fields, and other filters `first`."""
    of_chain: Mapping[str, Any] = host.filters if host else _of_listener(entry)
    early = host.early if host else []
    answers = host.answers if host else []
    own: Keywords = {
        "stat_prefix": listener_name(entry.at),
        "scoped_routes": scoped_routes(entry.tables),
        "early_header_mutation_extensions": [
            _early_mutations(
                set_scope(entry.tables),
                *early_rules(chain.peer, entry.at, entry.settings.forwarded),
                *early,
            )
        ],
        "http_filters": [
            HttpFilter(name=name, typed_config=pack(config))
            for name, config in (
                *first,
                *http_filters(
                    gateway,
                    chain.peer,
                    entry.settings,
                    edge.hsts if entry.tls else "",
                    of_chain,
                ),
            )
        ],
        "local_reply_config": LocalReplyConfig(
            # Envoy takes the first that matches.
            mappers=[*answers, *refusals(), unkept_upload()]
        ),
        "upgrade_configs": [
            HttpConnectionManagerUpgradeConfig(upgrade_type=each) for each in _UPGRADES
        ],
        **client_address(chain.peer, edge),
        **_edge_settings(edge, entry.settings),
        **more,
    }
    if host:
        own = host.manager.over(own)
    manager = HttpConnectionManager(**fields.over(own))
    return Filter(name="envoy.filters.network.http_connection_manager", typed_config=pack(manager))


def _of_listener(entry: Entry) -> Mapping[str, Any]:  # messages of different types
    """Return the configurations of HTTP filters that the listener has in place of idle ones."""
    return {CLIENTS: verified_alone()} if entry.tls and entry.tls.clients else NONE


def _early_mutations(
    *mutations: mutation_rules.HeaderMutation,
) -> core.TypedExtensionConfig:
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=pack(EarlyHeaderMutation(mutations=[*mutations])),
    )


def _edge_settings(edge: EdgeSettings, settings: ListenerSettings) -> dict[str, Any]:  # keywords
    """Return the settings that Envoy's documentation recommends for a proxy at the edge.

    `strip_trailing_host_dot` acts before the early header mutation that sets the scope.
    """
    return {
        "strip_trailing_host_dot": True,
        "normalize_path": True,
        **_PATHS[edge.paths],
        "common_http_protocol_options": HttpProtocolOptions(
            idle_timeout=settings.idle,
            # A backend may take "_" for "-", and so read a header that rules did not see.
            headers_with_underscores_action=HeadersWithUnderscoresAction.DROP_HEADER,
            max_headers_count=MOST_HEADERS,
        ),
        # Health checks of load balancers use HTTP/1.0.
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
            # For WebSocket (RFC 8441). A CONNECT to another host finds no route.
            allow_connect=True,
        ),
        "request_headers_timeout": timedelta(seconds=10),
        "preserve_external_request_id": True,
        "stream_idle_timeout": settings.silence or edge.stream_idle,
        # The time runs from the last write, so a client that reads slowly keeps its connection.
        "delayed_close_timeout": timedelta(seconds=8),
    }
