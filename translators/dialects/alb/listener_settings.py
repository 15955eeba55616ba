"""The settings of an AlbConfig's listener: timeouts, compression, headers, TLS and HTTP/3."""

from datetime import timedelta
from typing import Final

from translators.dialects.alb.fields import ListenerFields
from translators.dialects.alb.objects import AlbForwarded, AlbListener
from translators.dialects.alb.security_policies import USUAL, security_policy
from translators.dialects.annotations.values import boolean, seconds
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.envoy.names import certificate_name
from translators.model.listeners import (
    ForwardedHeaders,
    ListenerPort,
    ListenerSettings,
    Protocol,
)
from translators.model.tls import HTTP1, HTTP2, ServerTls

IDLE: Final = timedelta(seconds=15)
"""The time after which an idle connection is closed, unless a listener says otherwise."""

REQUEST: Final = timedelta(seconds=60)
"""The time in which a backend has to answer, unless a listener says otherwise."""

_NOT_SENT: Final = "false: this header is not sent"

_TRUSTED: Final = f"the proxies whose word counts by {TRUSTED_PROXIES}"

_SECONDS: Final = seconds(1, 3600)


def read_settings(
    fields: ListenerFields, listener: AlbListener, at: ListenerPort, *, silence_is_set: bool
) -> ListenerSettings:
    """Read the settings of a listener.

    If the gateway has a bound on silence of its own (`silence_is_set`), a listener without a
    `requestTimeout` has that one.
    """
    default = None if silence_is_set else REQUEST
    _report_idle(fields, listener)
    return ListenerSettings(
        idle=fields.read("idleTimeout", listener.idle_timeout, _SECONDS, IDLE, "15 s"),
        silence=fields.read(
            "requestTimeout", listener.request_timeout, _SECONDS, default, "the default"
        ),
        gzip=_flag(fields, "gzipEnabled", listener.gzip_enabled, default=True),
        forwarded=_forwarded(fields, listener.x_forwarded_for_config),
        advertised=at.protocol is Protocol.HTTPS
        and _flag(
            fields,
            "quicConfig.quicUpgradeEnabled",
            listener.quic_config.quic_upgrade_enabled,
            default=False,
        ),
    )


def read_tls(fields: ListenerFields, listener: AlbListener) -> ServerTls:
    """Read what a listener offers in handshakes."""
    policy = fields.read(
        "securityPolicyId", listener.security_policy_id, security_policy, USUAL, "TLS 1.2"
    )
    http2 = _flag(fields, "http2Enabled", listener.http2_enabled, default=True)
    return ServerTls(
        nameless=certificate_name(""),
        minimum=policy.minimum,
        ciphers=policy.ciphers,
        alpn=(HTTP2, HTTP1) if http2 else (HTTP1,),
    )


def _forwarded(fields: ListenerFields, config: AlbForwarded) -> ForwardedHeaders:
    default = ForwardedHeaders()
    for name, value, effective, expected in (
        ("Enabled", config.itself, "true", "true: X-Forwarded-For is always sent"),
        ("HostEnabled", config.host, "true", "true: X-Forwarded-Host is always sent"),
        ("ProcessingMode", config.mode, "append", f"append, and {_TRUSTED}"),
        ("ClientSourceIpsEnabled", config.sources, "false", f"false, and {_TRUSTED}"),
        ("SLBIdEnabled", config.load_balancer, "false", _NOT_SENT),
        ("ClientCertSubjectDNEnabled", config.subject, "false", _NOT_SENT),
        ("ClientCertIssuerDNEnabled", config.issuer, "false", _NOT_SENT),
        ("ClientCertFingerprintEnabled", config.fingerprint, "false", _NOT_SENT),
        ("ClientCertClientVerifyEnabled", config.verified, "false", _NOT_SENT),
    ):
        if value is not None and str(value) != effective:
            place = f"xForwardedForConfig.XForwardedFor{name}"
            fields.report("NotSupported", place, value, expected, "no effect")

    def flag(name: str, value: int | str | None, *, default: bool) -> bool:
        return _flag(fields, f"xForwardedForConfig.{name}", value, default=default)

    return ForwardedHeaders(
        proto=flag("XForwardedForProtoEnabled", config.proto, default=default.proto),
        port=flag("XForwardedForSLBPortEnabled", config.port, default=default.port),
        client_port=flag(
            "XForwardedForClientSrcPortEnabled", config.client_port, default=default.client_port
        ),
    )


def _flag(fields: ListenerFields, name: str, value: int | str | None, *, default: bool) -> bool:
    return fields.read(name, value, boolean, default, str(default).lower())


def _report_idle(fields: ListenerFields, listener: AlbListener) -> None:
    """Report what names an object of the cloud, which fleetgate cannot see."""
    if listener.quic_config.quic_listener_id is not None:
        fields.report(
            "NotSupported",
            "quicConfig.quicListenerId",
            listener.quic_config.quic_listener_id,
            "a listener with the protocol QUIC and the same port: listeners have no IDs here",
            "no effect",
        )
