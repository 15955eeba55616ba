"""Every known annotation that is not carried out yet, and what is done without it.

A request must not get where the annotation would have kept it from. So what restricts access, or
narrows a rule, closes its paths; what changes how requests are served is reported, and they are
served without; what tunes NGINX alone is known, and nothing is lost without it.

Who carries out an annotation gives it a file of its own and takes its name out of here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from translators.annotations.reader import ALB, NGINX, Key, alb, own, shared


class Without(Enum):
    """What is done without an annotation; the value is for people, `{}` is a Service's name."""

    CLOSED = "its paths are answered with 503"
    NARROWED = "its paths are answered with 503; a canary takes no request"
    PATHS = "paths to {} are not served"
    INGRESS = "the Ingress is not served"
    OPEN = "no effect on an ALB gateway: it keeps nobody out"
    NOTHING = "no effect yet"
    NEVER = "no effect, and none is planned"
    TUNING = "no effect, and nothing is lost without it"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A key, and what is done without it. The name of a `family` goes on with another name."""

    key: Key
    otherwise: Without
    family: bool = False

    def without(self, value: str) -> Without | None:
        """What is done without this annotation; None where it asks for what is done anyway."""
        text = value.strip()
        asks = _ASKS.get(self.key.name, _is_switched_on)
        if self.otherwise is Without.PATHS or (text and asks(text)):
            return self.otherwise
        # A snippet is more than what is looked for in it.
        return Without.NEVER if text and self.key.name in _SNIPPETS else None


def _rows(
    make: Callable[[str], Key], without: Without, names: str, *, family: bool = False
) -> Iterator[Unsupported]:
    return (Unsupported(make(name), without, family) for name in names.split())


def _alb_and_nginx(name: str) -> Key:
    return Key(name, (NGINX, ALB))


MSE_UNSUPPORTED: Final[tuple[Unsupported, ...]] = (
    # who may ask
    *_rows(
        shared,
        Without.CLOSED,
        """
        allowlist-source-range auth-always-set-cookie auth-cache-duration auth-cache-key
        auth-keepalive auth-keepalive-requests auth-keepalive-share-vars auth-keepalive-timeout
        auth-method auth-proxy-set-headers auth-realm auth-request-redirect auth-response-headers
        auth-secret auth-secret-type auth-signin auth-signin-redirect-param auth-snippet
        auth-tls-error-page auth-tls-match-cn auth-tls-pass-certificate-to-upstream auth-tls-secret
        auth-tls-verify-client auth-tls-verify-depth auth-type auth-url configuration-snippet
        denylist-source-range enable-global-auth enable-modsecurity enable-owasp-core-rules
        modsecurity-snippet satisfy server-snippet whitelist-source-range
        """,
    ),
    *_rows(
        own,
        Without.CLOSED,
        "blacklist-source-range domain-blacklist-source-range domain-whitelist-source-range",
    ),
    # which requests a rule takes
    *_rows(own, Without.NARROWED, "full-path-regex match-method"),
    *_rows(
        own,
        Without.NARROWED,
        """
        exact-match-header- exact-match-pseudo-header- exact-match-query- prefix-match-header-
        prefix-match-pseudo-header- prefix-match-query- regex-match-header-
        regex-match-pseudo-header- regex-match-query-
        """,
        family=True,
    ),
    # how requests are served
    *_rows(
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
    *_rows(
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
    *_rows(
        shared,
        Without.NEVER,
        """
        enable-influxdb enable-opentracing fastcgi-index fastcgi-params-configmap
        global-rate-limit global-rate-limit-ignored-cidrs global-rate-limit-key
        global-rate-limit-window modsecurity-transaction-id opentracing-operation-name
        opentracing-trust-incoming-span stream-snippet
        """,
    ),
    *_rows(shared, Without.NEVER, "influxdb-", family=True),
    *_rows(
        shared,
        Without.TUNING,
        """
        client-body-buffer-size enable-rewrite-log http2-push-preload proxy-buffer-size
        proxy-buffering proxy-buffers-number proxy-busy-buffers-size proxy-http-version
        proxy-max-temp-file-size proxy-request-buffering service-upstream ssl-prefer-server-ciphers
        """,
    ),
)

ALB_UNSUPPORTED: Final[tuple[Unsupported, ...]] = (
    *_rows(alb, Without.PATHS, "actions. conditions.", family=True),
    *_rows(alb, Without.INGRESS, "order rewrite-target use-regex"),
    *_rows(alb, Without.NOTHING, "cluster-weight. rule-direction.", family=True),
    *_rows(
        alb,
        Without.NOTHING,
        """
        backend-protocol backend-scheduler backend-scheduler-uch-value cookie-timeout
        cors-allow-credentials cors-allow-headers cors-allow-methods cors-allow-origin
        cors-expose-headers cors-max-age enable-cors healthcheck-code healthcheck-connect-port
        healthcheck-enabled healthcheck-httpcode healthcheck-interval-seconds healthcheck-method
        healthcheck-path healthcheck-protocol healthcheck-timeout-seconds healthy-threshold-count
        sticky-session sticky-session-type traffic-limit-ip-qps traffic-limit-qps
        unhealthy-threshold-count
        """,
    ),
    *_rows(_alb_and_nginx, Without.NOTHING, "ssl-redirect"),
    *_rows(alb, Without.TUNING, "backend-keepalive"),
)


def of_nginx_alone(carried_out: Iterable[Key]) -> Iterator[Unsupported]:
    """What NGINX knows and ALB does not: it may be for another controller, unless it restricts.

    `carried_out` are the keys of the MSE dialect that have an effect there.
    """
    known = {spelling for row in ALB_UNSUPPORTED for spelling in row.key.spellings}
    effective = (Unsupported(key, Without.TUNING) for key in carried_out if ALB not in key.prefixes)
    for row in (*MSE_UNSUPPORTED, *effective):
        spelling = NGINX + row.key.name
        if spelling in row.key.spellings and spelling not in known:
            closes = row.otherwise is Without.CLOSED
            otherwise = Without.OPEN if closes else Without.TUNING
            yield Unsupported(Key(row.key.name, (NGINX,)), otherwise, row.family)


_FALSE: Final = frozenset({"false", "False", "FALSE", "f", "F"})
_EVERYBODY: Final = frozenset({"*", "0.0.0.0/0"})
_SNIPPETS: Final = frozenset({"configuration-snippet", "server-snippet"})

_RESTRICTION: Final = re.compile(
    r"\b(?:deny|allow|satisfy|limit_except|valid_referers|secure_link|auth_\w+|ssl_verify_client"
    r"|access_by_lua\w*|return\s+4[0-9][0-9])\b"
)
"""Directives of NGINX that keep somebody out."""


def _is_switched_on(text: str) -> bool:
    return text not in _FALSE


def _is_there(_: str) -> bool:
    return True


def _names_some(text: str) -> bool:
    """Whether a list of addresses is not everybody's."""
    return _EVERYBODY.isdisjoint(item.strip() for item in text.split(","))


def _keeps_out(text: str) -> bool:
    return _RESTRICTION.search(text) is not None


_ASKS: Final[Mapping[str, Callable[[str], bool]]] = {
    **dict.fromkeys(
        ("whitelist-source-range", "allowlist-source-range", "domain-whitelist-source-range"),
        _names_some,
    ),
    # What is no boolean: "false" is then a text like any other, and not one that lets everybody in.
    **dict.fromkeys(
        (
            *("denylist-source-range", "blacklist-source-range", "domain-blacklist-source-range"),
            *("auth-url", "auth-type", "auth-secret", "auth-tls-secret", "auth-tls-match-cn"),
            *("match-method", "modsecurity-snippet"),
        ),
        _is_there,
    ),
    **dict.fromkeys(_SNIPPETS, _keeps_out),
    "auth-tls-verify-client": lambda text: text != "off",
    "order": lambda text: text != "10",
    "proxy-body-size": lambda text: text != "0",
    "satisfy": lambda text: text != "all",
}
"""Whether a value asks for anything that is not done anyway; other keys are switched on or off."""
