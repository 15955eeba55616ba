"""TLS towards clients: Envoy asks for the certificate of a host when the host is first asked for.

A certificate is a Secret whose name is the host, as the client writes it in the handshake (SNI).
So a Listener names no certificate. It serves any number of hosts with one filter chain, and a new
host or certificate does not touch it. `translators.envoy.certificates` has the Secrets, and finds
the one for a name that no Ingress declares.

Envoy waits with a handshake until the Secret comes. If the Secret is removed, the handshake fails
with an alert, and Envoy forgets the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from translators.envoy.messages import (
    AggregatedConfigSource,
    ApiVersion,
    CommonTlsContext,
    ConfigSource,
    DownstreamTlsContext,
    OnDemandSecrets,
    SniMapper,
    TlsParameters,
    TlsProtocol,
    TransportSocket,
    TypedExtensionConfig,
)
from translators.model.tls import ServerTls, TlsVersion
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core

HANDSHAKE: Final = timedelta(seconds=15)
"""The bound on a handshake, so that none waits for ever for a Secret that does not come."""

_VERSIONS: Final[Mapping[TlsVersion, Any]] = {
    TlsVersion.V1_0: TlsProtocol.TLSv1_0,
    TlsVersion.V1_1: TlsProtocol.TLSv1_1,
    TlsVersion.V1_2: TlsProtocol.TLSv1_2,
    TlsVersion.V1_3: TlsProtocol.TLSv1_3,
}


def server_tls(tls: ServerTls) -> core.TransportSocket:
    """Build the transport socket of a filter chain that ends TLS."""
    context = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(
            tls_params=TlsParameters(
                tls_minimum_protocol_version=_VERSIONS[tls.minimum],
                tls_maximum_protocol_version=_VERSIONS[tls.maximum],
            ),
            alpn_protocols=[*tls.alpn],
            custom_tls_certificate_selector=_by_name(tls.nameless),
        ),
        # Envoy demands both for certificates on demand: a session could outlive its certificate.
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))


def _by_name(nameless: str) -> core.TypedExtensionConfig:
    """Choose the certificate by the name that the client names."""
    ads = ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)
    mapper = TypedExtensionConfig(
        name="envoy.tls.certificate_mappers.sni",
        typed_config=pack(SniMapper(default_value=nameless)),
    )
    return TypedExtensionConfig(
        name="envoy.tls.certificate_selectors.on_demand_secret",
        typed_config=pack(OnDemandSecrets(config_source=ads, certificate_mapper=mapper)),
    )
