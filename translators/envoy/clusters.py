"""Clusters: protocol, timeouts and outlier detection of a backend.

The numbers are measured (docs/design/failover.md). With them, no idempotent request is lost when
all Pods of a member are killed under load, or are silently cut off from the network.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from fleet.address import is_ip
from translators.envoy.balancing import balanced
from translators.envoy.config_source import over_ads
from translators.envoy.header_edits import MOST_HEADERS
from translators.envoy.health_checks import health_check
from translators.envoy.member_gateways import by_names, resolver, transport_sockets
from translators.envoy.messages import (
    Address,
    AggregateClusterConfig,
    BindConfig,
    CircuitBreakers,
    CircuitBreakersRetryBudget,
    CircuitBreakersThresholds,
    Cluster,
    ClusterCommonLbConfig,
    ClusterCustomClusterType,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    ClusterEdsClusterConfig,
    ClusterLbPolicy,
    ClusterLoadAssignment,
    ClusterLocalityWeightedLbConfig,
    Endpoint,
    HealthStatus,
    HealthStatusSet,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    HttpProtocolOptions,
    LbEndpoint,
    LocalityLbEndpoints,
    OutlierDetection,
    Percent,
    SocketAddress,
    SocketOption,
    SocketOptionSocketState,
    TcpKeepalive,
    UpstreamConnectionOptions,
    UpstreamHttpConfig,
    UpstreamHttpProtocolOptions,
)
from translators.envoy.names import backend_name, cluster_name, outside_name
from translators.envoy.parts import ClusterParts, Fields, Keywords
from translators.envoy.questions import question_filters
from translators.envoy.upstream_tls import by_tls
from translators.model.backends import BackendProtocol, Outside, Target
from translators.model.gateways import UpstreamLimits, Upstreams
from xds.resource import Resource
from xds.wire import encode, field, pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.cluster import v3 as schema
    from envoy_data_plane.envoy.extensions.upstreams.http import v3 as upstreams

_LOAD_ASSIGNMENT: Final = 33  # Cluster.load_assignment

_TCP: Final = 6
_TCP_USER_TIMEOUT: Final = 18
_UNLIMITED: Final = 1_000_000_000
_SECOND: Final = timedelta(seconds=1)

_PER_CONNECTION_BUFFER: Final = 256 * 1024
"""The bytes that Envoy buffers for a Pod that reads slowly, or for a client that does."""

_HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
"""The name under which Envoy looks for a Cluster's HTTP options."""

_KEEPALIVE_IDLE: Final = timedelta(seconds=2)
_KEEPALIVE_INTERVAL: Final = timedelta(seconds=1)
_KEEPALIVE_PROBES: Final = 3
"""The silence after which a connection is probed, the pause between probes, and the number of
unanswered probes that end it. TCP_USER_TIMEOUT overrides the number: Linux ends a connection that
has been silent for that long and has an unanswered probe."""

_BY_TLS: Final = frozenset({BackendProtocol.HTTPS, BackendProtocol.H2, BackendProtocol.AUTH_TLS})
_BY_HTTP2: Final = frozenset({BackendProtocol.H2C, BackendProtocol.H2})
_ASKED: Final = frozenset({BackendProtocol.AUTH, BackendProtocol.AUTH_TLS})

PANIC_PERCENT: Final = 1
"""The share of usable Pods below which Envoy ignores ejections, in percent.

At 1, Envoy sends to ejected Pods only while no other Pod is left, so that a backend that has
recovered is found at once. With Envoy's default of 50, a dead member with two of three Pods would
keep two thirds of the traffic. With `translators.envoy.assignments.OVERPROVISIONING`, a single
usable Pod is enough even among more than 100."""


def build_cluster(
    target: Target,
    upstreams: Upstreams,
    parts: ClusterParts | None = None,
    spoken: BackendProtocol = BackendProtocol.HTTP,
    inline: bytes = b"",
) -> Resource:
    """Build the Cluster of a target: one backend by EDS, or an aggregate of several Clusters.

    `spoken` is the protocol of a backend that has none of its own. If `inline` is an encoded
    assignment, the Cluster has these endpoints, and asks DNS for names among them.

    `parts` holds what the policies of the backend add. An aggregate has no connections of its own,
    so the parts do not apply to it.
    """
    if len(target.backends) > 1:
        return _aggregate(target, upstreams.limits)
    name = cluster_name(target)
    backend = target.backends[0]
    protocol = backend.protocol or spoken
    shape = _Shape(
        upstreams,
        protocol,
        # A name can have any number of addresses, so its member has a weight instead of these.
        weighted=backend.weighted_by is not None or bool(inline),
        named=bool(inline),
    )
    authority = f"{backend.service}.{backend.namespace}"
    rest = _without_name(shape, parts, authority) if parts else _same_for_all(shape)
    body = encode(Cluster(name=name)) + rest
    if inline:
        return Resource.of(name, body + field(_LOAD_ASSIGNMENT, inline))
    return Resource.of(name, body, requires=(name,))


def build_outside(outside: Outside, limits: UpstreamLimits) -> Resource:
    """Build the Cluster of a host outside of the fleet, whose addresses Envoy asks DNS for."""
    name = outside_name(outside)
    protocol = BackendProtocol.AUTH_TLS if outside.tls else BackendProtocol.AUTH
    at = SocketAddress(address=outside.host, port_value=outside.port)
    endpoint = LbEndpoint(endpoint=Endpoint(address=Address(socket_address=at)))
    parts = ClusterParts()
    if outside.tls and not is_ip(outside.host):
        parts.tls.put("sni", outside.host)
    fields = _fields(limits, protocol, parts) | {
        "type": ClusterDiscoveryType.STRICT_DNS,
        "eds_cluster_config": None,
        "dns_lookup_family": ClusterDnsLookupFamily.V4_PREFERRED,
        "typed_dns_resolver_config": resolver(),
        "load_assignment": ClusterLoadAssignment(
            cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=[endpoint])]
        ),
    }
    return Resource.of(name, encode(Cluster(name=name, **fields)))


class _Shape(NamedTuple):
    """What the Clusters of backends without policies differ in, except for their names.

    A `weighted` one takes the weights of members from its assignment. A `named` one has its
    assignment inline.
    """

    upstreams: Upstreams
    protocol: BackendProtocol
    weighted: bool
    named: bool


@lru_cache(maxsize=64)
def _same_for_all(shape: _Shape) -> bytes:
    """Encode the fields but the name, once for all backends of this shape."""
    return _without_name(shape, ClusterParts())


def _without_name(shape: _Shape, parts: ClusterParts, authority: str = "") -> bytes:
    """Encode all fields of a Cluster of one backend but its name, which is the first field.

    `authority` is the Host of health checks.
    """
    (limits, gateways, tiered), protocol, weighted, named = shape
    http2, tls = protocol in _BY_HTTP2, protocol in _BY_TLS
    divided = (_by_weight() if weighted else {}) | (_leading_home() if weighted or tiered else {})
    own = _fields(limits, protocol, parts, divided) | health_check(
        parts.check,
        authority,
        http2=http2,
        by_tls=tls,
        tls=by_tls(parts, http2=http2),
        inline=named,
    )
    if sockets := list(transport_sockets(gateways, http2=http2, tls=tls)):
        own["transport_socket_matches"] = [*own.get("transport_socket_matches", ()), *sockets]
    if named:
        own |= by_names()
    return encode(Cluster(**parts.cluster.over(own)))


def _fields(
    limits: UpstreamLimits,
    protocol: BackendProtocol,
    parts: ClusterParts,
    divided: Keywords | None = None,
) -> Keywords:
    """Return all fields of a Cluster of one backend but its name.

    `divided` are fields of its common_lb_config that divide requests between members.
    """
    return {
        "type": ClusterDiscoveryType.EDS,
        "eds_cluster_config": ClusterEdsClusterConfig(eds_config=over_ads()),
        "connect_timeout": limits.connect,
        "per_connection_buffer_limit_bytes": _PER_CONNECTION_BUFFER,
        **balanced(parts.balancing, parts.warmup),
        # Envoy merges updates within 1 s by default, which would delay the second ejection.
        "common_lb_config": ClusterCommonLbConfig(
            update_merge_window=timedelta(0),
            healthy_panic_threshold=Percent(value=PANIC_PERCENT),
            **(divided or {}),
        ),
        "circuit_breakers": _circuit_breakers(parts.limits, parts.pod_limits),
        "outlier_detection": _outlier_detection(),
        # There is no source address, because 0.0.0.0 would break IPv6 endpoints.
        "upstream_bind_config": BindConfig(
            socket_options=[
                SocketOption(
                    description="TCP_USER_TIMEOUT",
                    level=_TCP,
                    name=_TCP_USER_TIMEOUT,
                    int_value=limits.unacknowledged // timedelta(milliseconds=1),
                    state=SocketOptionSocketState.STATE_PREBIND,
                )
            ]
        ),
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: pack(_http_options(limits, protocol, parts))
        },
        "transport_socket": (
            by_tls(parts, http2=protocol in _BY_HTTP2) if protocol in _BY_TLS else None
        ),
        # TCP_USER_TIMEOUT only applies to unacknowledged bytes. Without keepalive, a request that a
        # Pod has acknowledged would wait for ever once the network has lost the Pod.
        "upstream_connection_options": UpstreamConnectionOptions(
            tcp_keepalive=TcpKeepalive(
                keepalive_time=_KEEPALIVE_IDLE // _SECOND,
                keepalive_interval=_KEEPALIVE_INTERVAL // _SECOND,
                keepalive_probes=_KEEPALIVE_PROBES,
            )
        ),
    }


def _by_weight() -> Keywords:
    """Choose a member by its weight first, and then one of its Pods."""
    return {"locality_weighted_lb_config": ClusterLocalityWeightedLbConfig()}


def _leading_home() -> Keywords:
    """Hold no cookie to a degraded Pod.

    So clients that came to a member of the last tier during an outage leave it afterwards.
    """
    kept = HealthStatusSet(statuses=[HealthStatus.UNKNOWN, HealthStatus.HEALTHY])
    return {"override_host_status": kept}


def _aggregate(target: Target, limits: UpstreamLimits) -> Resource:
    """Build an aggregate: a Cluster of it is used while those before it have no usable Pod."""
    name = cluster_name(target)
    clusters = [backend_name(backend) for backend in target.backends]
    message = Cluster(
        name=name,
        cluster_type=ClusterCustomClusterType(
            name="envoy.clusters.aggregate",
            typed_config=pack(AggregateClusterConfig(clusters=clusters)),
        ),
        connect_timeout=limits.connect,
        lb_policy=ClusterLbPolicy.CLUSTER_PROVIDED,
        circuit_breakers=_circuit_breakers(),
    )
    return Resource.of(name, encode(message))


def _http_options(
    limits: UpstreamLimits, protocol: BackendProtocol, parts: ClusterParts
) -> upstreams.HttpProtocolOptions:
    connections: Keywords = {"idle_timeout": limits.idle, "max_headers_count": MOST_HEADERS}
    own: Keywords = {
        "common_http_protocol_options": HttpProtocolOptions(**parts.connections.over(connections)),
        "explicit_http_config": _explicit(protocol),
    }
    if protocol in _ASKED:
        own["http_filters"] = question_filters()
    return UpstreamHttpProtocolOptions(**parts.http_options.over(own))


def _explicit(protocol: BackendProtocol) -> upstreams.HttpProtocolOptionsExplicitHttpConfig:
    """Configure HTTP/1.1 or HTTP/2 without negotiation."""
    if protocol not in _BY_HTTP2:
        return UpstreamHttpConfig(http_protocol_options=Http1ProtocolOptions())
    return UpstreamHttpConfig(
        # Envoy's default of 256 MiB lets a backend fill memory for clients that read slowly.
        http2_protocol_options=Http2ProtocolOptions(
            initial_stream_window_size=_PER_CONNECTION_BUFFER,
            initial_connection_window_size=4 * _PER_CONNECTION_BUFFER,
        )
    )


def _circuit_breakers(
    limits: Fields | None = None, pod_limits: Fields | None = None
) -> schema.CircuitBreakers:
    """Lift Envoy's limits on connections and requests, and bound retries by a budget.

    Envoy's default of 3 concurrent retries for a Cluster turns a crash under parallel load into
    errors. A budget of 100 % of the active requests never refuses a retry, and it still bounds a
    storm of retries. `limits` and `pod_limits` are those that policies ask for.
    """
    own: Keywords = {
        "max_connections": _UNLIMITED,
        "max_pending_requests": _UNLIMITED,
        "max_requests": _UNLIMITED,
        "retry_budget": CircuitBreakersRetryBudget(
            budget_percent=Percent(value=100), min_retry_concurrency=100
        ),
    }
    of_pod = pod_limits.over({}) if pod_limits else {}
    return CircuitBreakers(
        thresholds=[CircuitBreakersThresholds(**(limits.over(own) if limits else own))],
        per_host_thresholds=[CircuitBreakersThresholds(**of_pod)] if of_pod else [],
    )


def _outlier_detection() -> schema.OutlierDetection:
    """Eject a Pod for 2 to 10 s after two refused connections or three gateway errors in a row."""
    return OutlierDetection(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=2,
        enforcing_consecutive_local_origin_failure=100,
        consecutive_gateway_failure=3,
        enforcing_consecutive_gateway_failure=100,
        consecutive_5xx=0,
        enforcing_consecutive_5xx=0,
        enforcing_success_rate=0,
        enforcing_local_origin_success_rate=0,
        interval=timedelta(milliseconds=500),
        base_ejection_time=timedelta(seconds=2),
        max_ejection_time=timedelta(seconds=10),
        max_ejection_percent=100,
    )
