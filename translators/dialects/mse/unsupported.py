"""The annotations that the MSE dialect knows, but that have no effect yet."""

from typing import Final

from translators.dialects.annotations.reader import own, shared
from translators.dialects.annotations.unsupported import Unsupported, Without, rows

MSE_UNSUPPORTED: Final[tuple[Unsupported, ...]] = (
    # access control
    *rows(
        shared,
        Without.CLOSED,
        """
        allowlist-source-range auth-always-set-cookie
        auth-method auth-proxy-set-headers auth-realm auth-request-redirect auth-response-headers
        auth-secret auth-secret-type auth-signin auth-signin-redirect-param auth-snippet
        auth-tls-error-page auth-tls-match-cn auth-tls-pass-certificate-to-upstream auth-tls-secret
        auth-tls-verify-client auth-tls-verify-depth auth-type auth-url configuration-snippet
        denylist-source-range enable-global-auth enable-modsecurity enable-owasp-core-rules
        modsecurity-snippet satisfy server-snippet whitelist-source-range
        """,
    ),
    *rows(
        own,
        Without.CLOSED,
        "blacklist-source-range domain-blacklist-source-range domain-whitelist-source-range",
    ),
    # conditions of rules
    *rows(own, Without.NARROWED, "full-path-regex match-method"),
    *rows(
        own,
        Without.NARROWED,
        """
        exact-match-header- exact-match-pseudo-header- exact-match-query- prefix-match-header-
        prefix-match-pseudo-header- prefix-match-query- regex-match-header-
        regex-match-pseudo-header- regex-match-query-
        """,
        family=True,
    ),
    # treatment of requests that a rule takes
    *rows(
        shared,
        Without.NOTHING,
        """
        affinity affinity-canary-behavior affinity-mode app-root
        connection-proxy-header cors-allow-credentials cors-allow-headers cors-allow-methods
        cors-allow-origin cors-expose-headers cors-max-age custom-headers custom-http-errors
        default-backend disable-proxy-intercept-errors enable-access-log enable-cors
        enable-opentelemetry from-to-www-redirect limit-allowlist
        limit-burst-multiplier limit-connections limit-rate limit-rate-after
        limit-req-status-code limit-rpm limit-rps limit-whitelist load-balance mirror-host
        mirror-request-body mirror-target opentelemetry-operation-name
        opentelemetry-trust-incoming-span permanent-redirect permanent-redirect-code
        preserve-trailing-slash proxy-body-size proxy-connect-timeout proxy-cookie-domain
        proxy-cookie-path proxy-next-upstream proxy-next-upstream-timeout proxy-next-upstream-tries
        proxy-read-timeout proxy-redirect-from proxy-redirect-to proxy-send-timeout
        proxy-ssl-ciphers proxy-ssl-name proxy-ssl-protocols proxy-ssl-secret proxy-ssl-server-name
        proxy-ssl-verify proxy-ssl-verify-depth relative-redirects rewrite-target server-alias
        session-cookie-change-on-failure session-cookie-conditional-samesite-none
        session-cookie-domain session-cookie-expires session-cookie-max-age session-cookie-name
        session-cookie-partitioned session-cookie-path session-cookie-samesite
        session-cookie-secure ssl-cipher ssl-ciphers ssl-passthrough
        temporal-redirect temporal-redirect-code upstream-hash-by upstream-hash-by-subset
        upstream-hash-by-subset-size upstream-vhost use-port-in-redirects use-regex
        x-forwarded-prefix
        """,
    ),
    *rows(
        own,
        Without.NOTHING,
        """
        connection-policy-http-max-request-per-connection connection-policy-tcp-max-connection
        connection-policy-tcp-max-connection-per-endpoint ignore-path-case mirror-percentage
        mirror-target-service request-header-control-add request-header-control-remove
        request-header-control-update response-header-control-add response-header-control-remove
        response-header-control-update route-limit-burst-multiplier route-limit-rpm route-limit-rps
        timeout tls-max-protocol-version tls-min-protocol-version warmup
        """,
    ),
    *rows(
        shared,
        Without.NEVER,
        """
        auth-cache-duration auth-cache-key enable-influxdb enable-opentracing fastcgi-index
        fastcgi-params-configmap
        global-rate-limit global-rate-limit-ignored-cidrs global-rate-limit-key
        global-rate-limit-window modsecurity-transaction-id opentracing-operation-name
        opentracing-trust-incoming-span stream-snippet
        """,
    ),
    *rows(shared, Without.NEVER, "influxdb-", family=True),
    *rows(
        shared,
        Without.TUNING,
        """
        auth-keepalive auth-keepalive-requests auth-keepalive-share-vars auth-keepalive-timeout
        client-body-buffer-size enable-rewrite-log http2-push-preload proxy-buffer-size
        proxy-buffering proxy-buffers-number proxy-busy-buffers-size proxy-http-version
        proxy-max-temp-file-size proxy-request-buffering service-upstream ssl-prefer-server-ciphers
        """,
    ),
)
