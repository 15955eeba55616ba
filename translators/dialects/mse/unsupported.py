"""The annotations that the MSE dialect knows, but that have no effect."""

from typing import Final

from translators.dialects.annotations.reader import shared
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
        "auth-proxy-set-headers",
        reason="fleetgate reads no ConfigMaps",
        instead="headers that the service of auth-url makes from those of the request",
    ),
    *rows(
        shared,
        Without.CLOSED,
        "enable-global-auth",
        reason="a gateway has no authorization of its own",
        instead="auth-url",
    ),
    # what Envoy, or fleetgate, does not have
    *rows(
        shared,
        Without.NEVER,
        "custom-headers",
        reason="fleetgate reads no ConfigMaps",
        instead="mse.ingress.kubernetes.io/response-header-control-update",
    ),
    *rows(
        shared,
        Without.NEVER,
        "session-cookie-conditional-samesite-none",
        reason="Envoy sets the same cookie for all browsers",
        instead="session-cookie-samesite: Lax where such browsers matter",
    ),
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
        instead=(
            "mse.ingress.kubernetes.io/route-limit-rps or -rpm, divided by the number of Envoys"
        ),
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
        "grpc-backend secure-backends",
        reason="ingress-nginx has removed it too",
        instead="backend-protocol",
    ),
    *rows(
        shared,
        Without.NEVER,
        "secure-verify-ca-secret",
        reason="ingress-nginx has removed it too",
        instead="proxy-ssl-secret and proxy-ssl-verify",
    ),
    *rows(
        shared,
        Without.NEVER,
        "add-base-url base-url-scheme",
        reason="ingress-nginx has removed it too",
        instead="to do without it",
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
        reason="redirects name the host that the client asked for, and keep the path as it is",
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
        "session-cookie-hash",
        reason="Envoy makes the values of cookies in its own way, and ingress-nginx does so too",
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
