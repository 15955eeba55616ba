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

from translators.envoy.config_source import over_ads
from translators.envoy.messages import (
    CertificateValidationContext,
    CommonTlsContext,
    DataSource,
    DownstreamTlsContext,
    OnDemandSecrets,
    SniMapper,
    TlsParameters,
    TlsProtocol,
    TransportSocket,
    TrustChainVerification,
    TypedExtensionConfig,
)
from translators.envoy.parts import Keywords
from translators.model.tls import ClientTrust, ServerTls, TlsVersion
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as schema

HANDSHAKE: Final = timedelta(seconds=15)
"""The bound on a handshake, so that none waits for ever for a Secret that does not come."""

VERSIONS: Final[Mapping[TlsVersion, Any]] = {
    TlsVersion.V1_0: TlsProtocol.TLSv1_0,
    TlsVersion.V1_1: TlsProtocol.TLSv1_1,
    TlsVersion.V1_2: TlsProtocol.TLSv1_2,
    TlsVersion.V1_3: TlsProtocol.TLSv1_3,
}

_OLD_CIPHERS: Final = (
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
)
"""Envoy's usual ciphers, and behind them those without which TLS 1.0 and 1.1 do not work."""


def server_tls(tls: ServerTls) -> core.TransportSocket:
    """Build the transport socket of a filter chain that ends TLS."""
    ciphers = tls.ciphers or (_OLD_CIPHERS if tls.minimum < TlsVersion.V1_2 else ())
    common: Keywords = {
        "tls_params": TlsParameters(
            tls_minimum_protocol_version=VERSIONS[tls.minimum],
            tls_maximum_protocol_version=VERSIONS[tls.maximum],
            cipher_suites=[*ciphers],
        ),
        "alpn_protocols": [*tls.alpn],
        "custom_tls_certificate_selector": _by_name(tls.nameless),
    }
    if tls.clients:
        common["validation_context"] = _validation(tls.clients)
    context = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(**common),
        # Said, since Envoy warns of its own default where clients are asked for a certificate.
        require_client_certificate=False if tls.clients else None,
        # Envoy demands both for certificates on demand: a session could outlive its certificate.
        disable_stateless_session_resumption=True,
        disable_stateful_session_resumption=True,
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))


def _validation(clients: ClientTrust) -> schema.CertificateValidationContext:
    """Check a client's certificate, without an effect on the handshake.

    `translators.envoy.client_certificates` refuses requests by the result.
    """
    bundle, revocations = clients.authorities.certificates, clients.authorities.revocations
    context: Keywords = {
        "trusted_ca": DataSource(inline_bytes=bundle),
        "max_verify_depth": clients.depth,
        "trust_chain_verification": TrustChainVerification.ACCEPT_UNTRUSTED,
    }
    if revocations:
        context["crl"] = DataSource(inline_bytes=revocations)
    return CertificateValidationContext(**context)


def _by_name(nameless: str) -> core.TypedExtensionConfig:
    """Choose the certificate by the name that the client names."""
    mapper = TypedExtensionConfig(
        name="envoy.tls.certificate_mappers.sni",
        typed_config=pack(SniMapper(default_value=nameless)),
    )
    return TypedExtensionConfig(
        name="envoy.tls.certificate_selectors.on_demand_secret",
        typed_config=pack(OnDemandSecrets(config_source=over_ads(), certificate_mapper=mapper)),
    )
