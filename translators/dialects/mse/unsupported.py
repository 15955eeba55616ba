"""The annotations that the MSE dialect knows, but that have no effect."""

from typing import Final

from translators.dialects.annotations.reader import own, shared
from translators.dialects.annotations.unsupported import Unsupported, Without, rows

MSE_UNSUPPORTED: Final[tuple[Unsupported, ...]] = (
    # access control
    *rows(
        shared,
        Without.CLOSED,
        "auth-snippet configuration-snippet server-snippet",
        reason="Envoy cannot run NGINX's directives",
        instead="annotations for what the directives do, or none",
    ),
    *rows(
        shared,
        Without.CLOSED,
        "enable-modsecurity enable-owasp-core-rules modsecurity-snippet",
        reason="Envoy has no web application firewall",
        instead="a firewall in front of the gateway",
    ),
    *rows(
        shared,
        Without.CLOSED,
        """
        allowlist-source-range auth-always-set-cookie
        auth-method auth-proxy-set-headers auth-realm auth-request-redirect auth-response-headers
        auth-secret auth-secret-type auth-signin auth-signin-redirect-param
        auth-tls-error-page auth-tls-match-cn auth-tls-pass-certificate-to-upstream auth-tls-secret
        auth-tls-verify-client auth-tls-verify-depth auth-type auth-url
        denylist-source-range enable-global-auth satisfy whitelist-source-range
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
        app-root
        connection-proxy-header cors-allow-credentials cors-allow-headers cors-allow-methods
        cors-allow-origin cors-expose-headers cors-max-age custom-headers custom-http-errors
        default-backend enable-cors from-to-www-redirect limit-allowlist
        limit-burst-multiplier limit-req-status-code limit-rpm limit-rps limit-whitelist
        load-balance mirror-host mirror-request-body mirror-target permanent-redirect
        permanent-redirect-code proxy-body-size proxy-connect-timeout
        proxy-cookie-domain proxy-cookie-path proxy-next-upstream proxy-next-upstream-timeout
        proxy-next-upstream-tries proxy-read-timeout proxy-redirect-from proxy-redirect-to
        proxy-send-timeout proxy-ssl-ciphers proxy-ssl-name proxy-ssl-protocols proxy-ssl-secret
        proxy-ssl-server-name proxy-ssl-verify proxy-ssl-verify-depth rewrite-target server-alias
        session-cookie-change-on-failure session-cookie-conditional-samesite-none
        session-cookie-domain session-cookie-expires session-cookie-max-age session-cookie-name
        session-cookie-partitioned session-cookie-path session-cookie-samesite
        session-cookie-secure ssl-cipher ssl-ciphers ssl-passthrough
        temporal-redirect temporal-redirect-code upstream-hash-by
        upstream-vhost use-regex x-forwarded-prefix
        """,
    ),
    *rows(
        own,
        Without.NOTHING,
        """
        ignore-path-case
        request-header-control-add request-header-control-remove
        request-header-control-update response-header-control-add response-header-control-remove
        response-header-control-update route-limit-burst-multiplier route-limit-rpm route-limit-rps
        tls-max-protocol-version tls-min-protocol-version
        """,
    ),
    # what Envoy, or fleetgate, does not have
    *rows(
        shared,
        Without.NEVER,
        "limit-connections",
        reason="Envoy counts connections of all clients together, not of each address",
        instead="limit-rps or limit-rpm, which count requests of each address",
    ),
    *rows(
        shared,
        Without.NEVER,
        "limit-rate limit-rate-after",
        reason="Envoy cannot slow down the answer of one request",
        instead="to do without it",
    ),
    *rows(
        shared,
        Without.NEVER,
        """
        global-rate-limit global-rate-limit-ignored-cidrs global-rate-limit-key
        global-rate-limit-window
        """,
        reason="each Envoy counts by itself",
        instead="route-limit-rps or route-limit-rpm, divided by the number of Envoys",
    ),
    *rows(
        shared,
        Without.NEVER,
        "upstream-hash-by-subset upstream-hash-by-subset-size",
        reason="Envoy hashes to a Pod, not to a group of Pods",
        instead="upstream-hash-by alone",
    ),
    *rows(
        shared,
        Without.NEVER,
        "enable-access-log",
        reason="the gateway writes no access log",
        instead="the access log of the backends",
    ),
    *rows(
        shared,
        Without.NEVER,
        """
        enable-opentelemetry enable-opentracing opentelemetry-operation-name
        opentelemetry-trust-incoming-span opentracing-operation-name opentracing-trust-incoming-span
        """,
        reason="the gateway exports no traces; trace headers reach the backends as they come",
        instead="tracing in the backends",
    ),
    *rows(
        shared,
        Without.NEVER,
        "disable-proxy-intercept-errors",
        reason="it changes a default of NGINX that Envoy does not have",
        instead="to do without it",
    ),
    *rows(
        shared,
        Without.NEVER,
        "stream-snippet",
        reason="Envoy cannot run NGINX's directives",
        instead="a load balancer for TCP beside the gateway",
    ),
    *rows(
        shared,
        Without.NEVER,
        "fastcgi-index fastcgi-params-configmap",
        reason="Envoy does not speak FastCGI",
        instead="a web server in the Pod that does",
    ),
    *rows(
        shared,
        Without.NEVER,
        "modsecurity-transaction-id",
        reason="Envoy has no web application firewall",
        instead="X-Request-ID, which each request has",
    ),
    *rows(
        shared,
        Without.NEVER,
        "enable-influxdb",
        reason="ingress-nginx has removed it too",
        instead="the metrics of Envoy",
    ),
    *rows(
        shared,
        Without.NEVER,
        "influxdb-",
        family=True,
        reason="ingress-nginx has removed it too",
        instead="the metrics of Envoy",
    ),
    *rows(
        shared,
        Without.TUNING,
        """
        client-body-buffer-size proxy-buffer-size proxy-buffering proxy-buffers-number
        proxy-busy-buffers-size proxy-max-temp-file-size proxy-request-buffering
        """,
        reason="Envoy streams both ways, and its buffers are bounded",
    ),
    *rows(
        shared,
        Without.TUNING,
        "preserve-trailing-slash relative-redirects use-port-in-redirects",
        reason="redirects keep the path, and name the host and port that the client asked for",
    ),
    *rows(
        shared,
        Without.TUNING,
        "auth-keepalive auth-keepalive-requests auth-keepalive-share-vars auth-keepalive-timeout",
        reason="Envoy keeps connections to the service of auth-url open by itself",
    ),
    *rows(
        shared,
        Without.NEVER,
        "auth-cache-duration auth-cache-key",
        reason="each request is asked about, so a lost right counts at once",
        instead="a cache in the service of auth-url",
    ),
    *rows(
        shared,
        Without.TUNING,
        "enable-rewrite-log",
        reason="Envoy has no log of rewrites",
    ),
    *rows(
        shared,
        Without.TUNING,
        "http2-push-preload",
        reason="browsers have removed HTTP/2 push",
    ),
    *rows(
        shared,
        Without.TUNING,
        "proxy-http-version",
        reason="backend-protocol chooses the protocol, and HTTP/1.1 is the default",
    ),
    *rows(
        shared,
        Without.TUNING,
        "service-upstream",
        reason="requests go to Pods, and a Pod that fails is left out at once",
    ),
    *rows(
        shared,
        Without.TUNING,
        "ssl-prefer-server-ciphers",
        reason="Envoy takes its own order of ciphers",
    ),
)
