"""HTTP/3: the listener for QUIC beside one for TLS, and the header by which clients learn of it.

Envoy has no certificates on demand for QUIC. So the listener names its certificates, and the
handshake chooses one by the names in it. A new name changes the listener, and leaves its
connections alone; a new certificate under a name does not change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from translators.envoy.config_source import over_ads
from translators.envoy.header_edits import put
from translators.envoy.messages import (
    CommonTlsContext,
    DownstreamTlsContext,
    HeaderMutation,
    HeaderMutationMutations,
    HttpCodec,
    QuicListenerOptions,
    QuicTransport,
    SdsSecretConfig,
    SocketProtocol,
    TransportSocket,
    UdpListenerConfig,
    UdpSocketConfig,
)
from translators.envoy.parts import Keywords
from translators.model.listeners import ListenerPort, Protocol
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core

ADVERTISED: Final = timedelta(days=1)
"""The time for which clients remember that a host speaks HTTP/3. Browsers use no shorter one."""

MANAGER: Final[Keywords] = {"codec_type": HttpCodec.HTTP3}
"""The fields of an HttpConnectionManager for HTTP/3."""

_ALPN: Final = "h3"


def listener_fields() -> Keywords:
    """Return the fields of a Listener that takes QUIC connections."""
    socket = UdpSocketConfig(prefer_gro=True)
    options = UdpListenerConfig(downstream_socket_config=socket, quic_options=QuicListenerOptions())
    return {"udp_listener_config": options}


def socket_protocol(at: ListenerPort) -> Any:  # noqa: ANN401 (an enum of envoy-data-plane's)
    """Return the protocol of a listener's socket."""
    return SocketProtocol.UDP if at.protocol is Protocol.QUIC else SocketProtocol.TCP


def quic_tls(certificates: Iterable[str]) -> core.TransportSocket:
    """Build the transport socket of a QUIC listener; there must be a certificate."""
    secrets = [SdsSecretConfig(name=name, sds_config=over_ads()) for name in certificates]
    common = CommonTlsContext(alpn_protocols=[_ALPN], tls_certificate_sds_secret_configs=secrets)
    config = QuicTransport(downstream_tls_context=DownstreamTlsContext(common_tls_context=common))
    return TransportSocket(name="envoy.transport_sockets.quic", typed_config=pack(config))


def advertise(at: ListenerPort) -> Iterator[tuple[str, Any]]:  # messages of different types
    """Yield the HTTP filter that tells clients of the listener for QUIC at the same port."""
    value = f'h3=":{at.port}"; ma={ADVERTISED.total_seconds():.0f}'
    mutations = HeaderMutationMutations(response_mutations=[put("alt-svc", value)])
    yield "fleetgate.http3", HeaderMutation(mutations=mutations)
