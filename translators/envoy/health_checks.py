"""Active health checks of a Cluster: Envoy asks each of its Pods.

The Pods of a Cluster without requests are asked as often as others. Envoy tells such a Cluster by
a counter that it does not keep (`fleetgate.bootstrap.STATISTICS`), so it would ask the Pods of all
Clusters as seldom. A removed Pod goes at once, whatever its last check said.

Envoy uses a Cluster once all of its Pods have been asked for the first time, and acknowledges no
Cluster before that. So a Pod that never answers would hold up the configuration of all tenants for
the time of a check. Endpoints by EDS are therefore told without checks where that takes too long
(`translators.envoy.assignments`). A Cluster that has its endpoints inline cannot be told so: its
checks are given up after LONGEST_INLINE.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    ClusterTransportSocketMatch,
    CodecClientType,
    Endpoint,
    EndpointHealthCheckConfig,
    EnvoyHealthCheck,
    GrpcHealthCheck,
    HttpHealthCheck,
    Int64Range,
    LbEndpoint,
    RequestMethod,
    TcpHealthCheck,
)
from translators.envoy.parts import Keywords
from translators.envoy.upstream_tls import in_clear
from translators.model.health_checks import CheckProtocol, HealthCheck
from xds.wire import encode, struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core

_METHODS: Final[Mapping[str, core.RequestMethod]] = {
    "GET": RequestMethod.GET,
    "HEAD": RequestMethod.HEAD,
    "POST": RequestMethod.POST,
}

_OTHER: Final = {"check": "other"}
"""The criteria of the transport socket for checks. No endpoint has them."""


LONGEST_INLINE: Final = timedelta(seconds=2)
"""The time after which a check fails in a Cluster that has its endpoints inline.

DNS may take as long in such a Cluster (`translators.envoy.member_gateways`)."""


def health_check(
    check: HealthCheck | None,
    authority: str,
    *,
    http2: bool,
    by_tls: bool,
    tls: core.TransportSocket,
    inline: bool = False,
) -> Keywords:  # of Cluster
    """Return the fields of a Cluster by which its Pods are checked.

    `http2` and `by_tls` say how requests are sent to them, and `tls` is used for checks by TLS.
    `inline` says that the Cluster has its endpoints itself.
    """
    if check is None:
        return {}
    other = check.protocol in _SAYING_TLS and _is_by_tls(check) is not by_tls
    how: Keywords = {
        "timeout": min(check.timeout, LONGEST_INLINE) if inline else check.timeout,
        "interval": check.interval,
        "no_traffic_interval": check.interval,
        "unhealthy_threshold": check.failures,
        "healthy_threshold": check.successes,
        **_checker(check, authority, http2=http2),
    }
    fields: Keywords = {"ignore_health_on_host_removal": True}
    if other:
        how["transport_socket_match_criteria"] = struct(_OTHER)
        socket = tls if _is_by_tls(check) else in_clear()
        match = ClusterTransportSocketMatch(
            name="check", match=struct(_OTHER), transport_socket=socket
        )
        fields["transport_socket_matches"] = [match]
    fields["health_checks"] = [EnvoyHealthCheck(**how)]
    return fields


def checked_at(check: HealthCheck | None) -> bytes:
    """Encode what an encoded LbEndpoint has behind it, if it is checked at a port of its own.

    Protobuf merges a message that occurs twice.
    """
    if check is None or not check.port:
        return b""
    config = EndpointHealthCheckConfig(port_value=check.port)
    return encode(LbEndpoint(endpoint=Endpoint(health_check_config=config)))


_SAYING_TLS: Final = frozenset({CheckProtocol.HTTP, CheckProtocol.HTTPS})


def _is_by_tls(check: HealthCheck) -> bool:
    return check.protocol is CheckProtocol.HTTPS


def _checker(check: HealthCheck, authority: str, *, http2: bool) -> Keywords:  # of HealthCheck
    """Return the field that says what is asked. Envoy asks GRPC of HTTP/2 backends only."""
    if check.protocol is CheckProtocol.GRPC and http2:
        return {"grpc_health_check": GrpcHealthCheck(authority=authority)}
    if check.protocol not in _SAYING_TLS:
        return {"tcp_health_check": TcpHealthCheck()}
    asked = HttpHealthCheck(
        host=authority,
        path=check.path,
        method=_METHODS[check.method],
        expected_statuses=[Int64Range(start=a, end=b) for a, b in check.statuses],
        codec_client_type=CodecClientType.HTTP2 if http2 else CodecClientType.HTTP1,
    )
    return {"http_health_check": asked}
