"""Transport sockets of connections to backends: TLS, or clear text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translators.envoy.messages import (
    CommonTlsContext,
    RawBuffer,
    TlsParameters,
    TlsProtocol,
    TransportSocket,
    UpstreamTlsContext,
)
from translators.envoy.parts import ClusterParts, Keywords
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core


def by_tls(parts: ClusterParts, *, http2: bool) -> core.TransportSocket:
    """Configure TLS to a backend. Its certificate is verified only if the parts ask for it."""
    # Envoy's default for backends is at most 1.2.
    params: Keywords = {"tls_maximum_protocol_version": TlsProtocol.TLSv1_3}
    common: Keywords = {
        "tls_params": TlsParameters(**parts.tls_params.over(params)),
        "alpn_protocols": ["h2" if http2 else "http/1.1"],
    }
    own: Keywords = {"common_tls_context": CommonTlsContext(**parts.tls_common.over(common))}
    context = UpstreamTlsContext(**parts.tls.over(own))
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))


def in_clear() -> core.TransportSocket:
    """Configure connections without TLS."""
    return TransportSocket(
        name="envoy.transport_sockets.raw_buffer", typed_config=pack(RawBuffer())
    )
