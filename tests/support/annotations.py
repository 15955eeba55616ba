"""The annotations that users of MSE and NGINX Ingress bring along, by topic."""

from collections.abc import Mapping
from typing import Final

from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import Key

SHARED: Final[Mapping[str, str]] = {
    "canary": """
        canary canary-by-header canary-by-header-value canary-by-header-pattern canary-by-cookie
        canary-weight canary-weight-total
        """,
    "paths": "use-regex rewrite-target upstream-vhost app-root",
    "redirects": """
        temporal-redirect temporal-redirect-code permanent-redirect permanent-redirect-code
        ssl-redirect force-ssl-redirect from-to-www-redirect preserve-trailing-slash
        relative-redirects use-port-in-redirects
        """,
    "cors": """
        enable-cors cors-allow-origin cors-allow-methods cors-allow-headers cors-expose-headers
        cors-allow-credentials cors-max-age
        """,
    "retries": """
        proxy-next-upstream-tries proxy-next-upstream-timeout proxy-next-upstream
        proxy-connect-timeout proxy-read-timeout proxy-send-timeout
        """,
    "fallback": "default-backend custom-http-errors disable-proxy-intercept-errors",
    "service": """
        backend-protocol load-balance upstream-hash-by upstream-hash-by-subset
        upstream-hash-by-subset-size
        """,
    "affinity": """
        affinity affinity-mode affinity-canary-behavior session-cookie-name session-cookie-path
        session-cookie-max-age session-cookie-expires session-cookie-samesite
        session-cookie-secure session-cookie-domain session-cookie-change-on-failure
        session-cookie-conditional-samesite-none session-cookie-partitioned
        """,
    "upstream-tls": """
        proxy-ssl-secret proxy-ssl-name proxy-ssl-server-name proxy-ssl-verify
        proxy-ssl-verify-depth proxy-ssl-ciphers proxy-ssl-protocols
        """,
    "access": "whitelist-source-range allowlist-source-range denylist-source-range satisfy",
    "basic-auth": "auth-type auth-secret auth-secret-type auth-realm",
    "external-auth": """
        auth-url auth-method auth-response-headers auth-signin auth-signin-redirect-param
        auth-always-set-cookie auth-proxy-set-headers auth-request-redirect auth-snippet
        auth-cache-key auth-cache-duration auth-keepalive auth-keepalive-requests
        auth-keepalive-share-vars auth-keepalive-timeout enable-global-auth
        """,
    "tls": """
        server-alias ssl-cipher ssl-ciphers ssl-prefer-server-ciphers ssl-passthrough
        auth-tls-secret auth-tls-verify-client auth-tls-verify-depth auth-tls-match-cn
        auth-tls-pass-certificate-to-upstream auth-tls-error-page
        """,
    "limits": """
        limit-rps limit-rpm limit-burst-multiplier limit-whitelist limit-allowlist
        limit-req-status-code limit-connections limit-rate limit-rate-after proxy-body-size
        """,
    "headers": """
        x-forwarded-prefix connection-proxy-header custom-headers proxy-redirect-from
        proxy-redirect-to proxy-cookie-domain proxy-cookie-path
        """,
    "mirror": "mirror-target mirror-request-body mirror-host",
    "observability": """
        enable-access-log enable-opentelemetry opentelemetry-operation-name
        opentelemetry-trust-incoming-span
        """,
    "tuning": """
        proxy-buffering proxy-buffer-size proxy-buffers-number proxy-busy-buffers-size
        proxy-request-buffering proxy-http-version proxy-max-temp-file-size client-body-buffer-size
        http2-push-preload enable-rewrite-log service-upstream
        """,
    "never": """
        configuration-snippet server-snippet stream-snippet enable-modsecurity
        enable-owasp-core-rules modsecurity-snippet modsecurity-transaction-id enable-influxdb
        influxdb-host influxdb-measurement influxdb-port influxdb-server-name enable-opentracing
        opentracing-operation-name opentracing-trust-incoming-span global-rate-limit
        global-rate-limit-window global-rate-limit-key global-rate-limit-ignored-cidrs
        fastcgi-index fastcgi-params-configmap
        """,
}
"""The annotations that NGINX Ingress knows too, by topic."""

OWN: Final[Mapping[str, str]] = {
    "canary": """
        canary-by-query canary-by-query-value canary-by-query-pattern canary-by-cookie-value
        """,
    "backends": "service-subset subset-labels destination",
    "headers": """
        request-header-control-add request-header-control-update request-header-control-remove
        response-header-control-add response-header-control-update response-header-control-remove
        """,
    "requests": """
        timeout mirror-target-service mirror-percentage route-limit-rps route-limit-rpm
        route-limit-burst-multiplier
        """,
    "service": """
        warmup connection-policy-tcp-max-connection
        connection-policy-tcp-max-connection-per-endpoint
        connection-policy-http-max-request-per-connection
        """,
    "access": "blacklist-source-range domain-whitelist-source-range domain-blacklist-source-range",
    "tls": "tls-min-protocol-version tls-max-protocol-version",
    "conditions": """
        match-method ignore-path-case full-path-regex
        exact-match-header-x prefix-match-header-x regex-match-header-x
        exact-match-query-x prefix-match-query-x regex-match-query-x
        exact-match-pseudo-header-x prefix-match-pseudo-header-x regex-match-pseudo-header-x
        """,
}
"""The annotations of MSE and Higress alone, by topic; `x` stands for a name that users choose."""


def example(key: Key) -> tuple[str, str]:
    """Return an annotation and its value by the example of a key."""
    if not key.family:
        return key.spellings[0], key.example
    name, _, value = key.example.partition(" ")
    return key.spellings[0] + name, value


def examples(feature: Feature) -> dict[str, str]:
    """Return the annotations of a feature with their examples, each in its first spelling."""
    return dict(example(key) for key in feature.keys if key.example)
