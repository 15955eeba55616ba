"""Listeners: edge settings, the HTTP filters in their fixed order, and how a route table is found.

A route table per host (SRDS): an early header mutation sets `x-fg-scope: SET|HOST` before anything
else reads the request, so that no client can set it, and the scope key is that header. A host
without a table of its own is looked for again by the Lua filter: in lower case, then as `SET|*`.
Every found table switches the Lua filter off.

HTTP filters are always installed, idle, in one order; a route switches them on. So a route change
never changes a Listener, and nothing drains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fleet.address import is_loopback
from translators.messages import (
    Address,
    AggregatedConfigSource,
    ApiVersion,
    AppendAction,
    ConfigSource,
    DataSource,
    EarlyHeaderMutation,
    ExtensionWithMatcher,
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
    HttpRequestHeaderMatchInput,
    Listener,
    Lua,
    OnMatch,
    PathWithEscapedSlashesAction,
    Router,
    ScopedRds,
    ScopedRoutes,
    ScopeKeyBuilder,
    ScopeKeyFragment,
    ScopeKeyHeaderExtractor,
    SkipFilter,
    SocketAddress,
    TypedExtensionConfig,
    XdsMatcher,
    XdsMatcherFieldMatcher,
    XdsMatcherList,
    XdsMatcherPredicate,
    XdsMatcherSinglePredicate,
    XdsRegexMatcher,
    XdsRegexMatcherGoogleRe2,
    XdsStringMatcher,
    XdsTypedExtensionConfig,
)
from translators.model import MAX_PORT, Entry, ListenerPort, TableSet
from translators.names import listener_name
from translators.routes import LUA, SCOPE_HEADER
from xds.resource import Resource
from xds.wire import encode, pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

IDEMPOTENT: Final = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
"""Methods that RFC 9110 section 9.2.2 lets a proxy repeat."""

_KIB: Final = 1024
_PER_CONNECTION_BUFFER: Final = 1024 * _KIB
"""Bounds what one connection may hold; also the largest body that can be repeated on a retry."""

_NO_HOST: Final = "_"
"""The host of HTTP/1.0 requests that name none: no rule can have it, so `SET|*` serves them. It is
what NGINX Ingress tells backends then."""

_FIND_TABLE: Final = """
local function select_table(request, scope)
  request:headers():replace("x-fg-scope", scope)
  request:clearRouteCache()
  request:metadata()
  return request:virtualHost():metadata():get("table") ~= nil
end

function envoy_on_request(request)
  local scope = request:headers():get("x-fg-scope") or ""
  local set = string.match(scope, "^[^|]*|") or ""
  local lower = string.lower(scope)
  if lower ~= scope and select_table(request, lower) then return end
  select_table(request, set .. "*")
end
"""


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


def build_listener(entry: Entry, bind: Bind) -> Resource:
    """The plain HTTP listener of an entry; `bind` can take its port."""
    name, tables = listener_name(entry.at), entry.tables
    manager = HttpConnectionManager(
        stat_prefix=name,
        scoped_routes=_scoped_routes(tables),
        early_header_mutation_extensions=[_scope_mutation(tables)],
        http_filters=[
            HttpFilter(name=filter_name, typed_config=pack(config))
            for filter_name, config in _http_filters()
        ],
        upgrade_configs=[HttpConnectionManagerUpgradeConfig(upgrade_type="websocket")],
        **_edge_settings(),
    )
    socket = SocketAddress(address=bind.address, port_value=bind.port_for(entry.at))
    message = Listener(
        name=name,
        stat_prefix=name,
        address=Address(socket_address=socket),
        per_connection_buffer_limit_bytes=_PER_CONNECTION_BUFFER,
        filter_chains=[
            FilterChain(
                filters=[
                    Filter(
                        name="envoy.filters.network.http_connection_manager",
                        typed_config=pack(manager),
                    )
                ]
            )
        ],
    )
    return Resource.of(name, encode(message))


def _http_filters() -> Iterable[tuple[str, Any]]:  # messages of different types
    """All HTTP filters, in order, with the reason for their place."""
    # First: what follows must see the route that the request really takes.
    yield LUA, Lua(default_source_code=DataSource(inline_string=_FIND_TABLE))
    # Anywhere before the router, which reads what it sets.
    yield "fleetgate.idempotent_retry", _idempotent_retry()
    yield "envoy.filters.http.router", Router()


def _idempotent_retry() -> matching.ExtensionWithMatcher:
    """Repeat idempotent requests also after they were sent, or answered with a retriable status.

    `reset` in a route's `retry_on` would repeat POSTs too, so it comes by request header; the
    status codes stay on the route. Without a retry policy on the route the header alone would give
    one retry, so every route carries a policy.
    """
    set_header = HeaderMutationRule(
        append=HeaderValueOption(
            header=HeaderValue(key="x-envoy-retry-on", value="reset,retriable-status-codes"),
            append_action=AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        )
    )
    return ExtensionWithMatcher(
        xds_matcher=XdsMatcher(
            matcher_list=XdsMatcherList(
                matchers=[
                    XdsMatcherFieldMatcher(
                        predicate=XdsMatcherPredicate(not_matcher=_is_idempotent()),
                        on_match=OnMatch(
                            action=XdsTypedExtensionConfig(
                                name="skip", typed_config=pack(SkipFilter())
                            )
                        ),
                    )
                ]
            )
        ),
        extension_config=TypedExtensionConfig(
            name="envoy.filters.http.header_mutation",
            typed_config=pack(
                HeaderMutation(mutations=HeaderMutationMutations(request_mutations=[set_header]))
            ),
        ),
    )


def _is_idempotent() -> xds_matcher.MatcherMatcherListPredicate:
    regex = XdsRegexMatcher(google_re2=XdsRegexMatcherGoogleRe2(), regex="|".join(IDEMPOTENT))
    return XdsMatcherPredicate(
        single_predicate=XdsMatcherSinglePredicate(
            input=XdsTypedExtensionConfig(
                name="method", typed_config=pack(HttpRequestHeaderMatchInput(header_name=":method"))
            ),
            value_match=XdsStringMatcher(safe_regex=regex),
        )
    )


def _scope_mutation(tables: TableSet) -> core.TypedExtensionConfig:
    """Set the scope before anything else reads the request; overwrites what a client sent."""
    mutation = HeaderMutationRule(
        append=HeaderValueOption(
            header=HeaderValue(key=SCOPE_HEADER, value=f"{tables}|%REQ(:AUTHORITY)%"),
            append_action=AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        )
    )
    return TypedExtensionConfig(
        name="envoy.http.early_header_mutation.header_mutation",
        typed_config=pack(EarlyHeaderMutation(mutations=[mutation])),
    )


def _scoped_routes(tables: TableSet) -> hcm.ScopedRoutes:
    source = ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)
    extractor = ScopeKeyHeaderExtractor(name=SCOPE_HEADER, element_separator="", index=0)
    return ScopedRoutes(
        name=tables,
        scope_key_builder=ScopeKeyBuilder(
            fragments=[ScopeKeyFragment(header_value_extractor=extractor)]
        ),
        scoped_rds=ScopedRds(scoped_rds_config_source=source),
    )


def _edge_settings() -> dict[str, Any]:  # keywords of HttpConnectionManager
    """What Envoy's documentation asks of a proxy at the edge.

    `strip_any_host_port` and `strip_trailing_host_dot` act before the scope is set.
    """
    return {
        "use_remote_address": True,
        "strip_any_host_port": True,
        "strip_trailing_host_dot": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": PathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT,
        "common_http_protocol_options": HttpProtocolOptions(
            idle_timeout=timedelta(hours=1),
            headers_with_underscores_action=HeadersWithUnderscoresAction.REJECT_REQUEST,
        ),
        # Health checks of load balancers speak it.
        "http_protocol_options": Http1ProtocolOptions(
            accept_http_10=True, default_host_for_http_10=_NO_HOST
        ),
        "http2_protocol_options": Http2ProtocolOptions(
            max_concurrent_streams=100,
            initial_stream_window_size=64 * _KIB,
            initial_connection_window_size=1024 * _KIB,
        ),
        "request_headers_timeout": timedelta(seconds=10),
        "stream_idle_timeout": timedelta(minutes=5),
    }
