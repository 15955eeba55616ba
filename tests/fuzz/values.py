"""Values of annotations: usable ones, slips, and texts that are meant to do harm.

In usable values `{name}` stands for the name of the Ingress, and `{number}` for its Services.
"""

from collections.abc import Mapping
from typing import Final

from tests.fuzz.generator import ACCESS, NAMES, NUMBERS, REGEXES, TEXTS, VALUES

_CIPHERS: Final = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA:AES128-SHA"

_SECRETS: Final = ("good", "users", "expired", "crowd", "broken", "nowhere", "default/good")

_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "destination": (
        "50% tls-{number}.default.svc.cluster.local:80\n50% web.default.svc.cluster.local:80",
        "falter-{number}.default.svc.cluster.local:80",
        "gone-{number}.default.svc.cluster.local:80",
        "100% plain-{number}.default.svc.cluster.local:http",
    ),
    "default-backend": ("api", "default/tls-{number}", "gone-{number}", "plain-{number}"),
    "custom-http-errors": ("200", "404,503,502,500", "401,403", "302"),
    "mirror-target-service": ("api:80", "default/tls-{number}:80", "falter-{number}", "gone"),
    "mirror-target": (
        "http://falter-{number}.default.svc.cluster.local:80",
        "https://tls-{number}.default.svc:80/$request_uri",
    ),
    "auth-url": (
        "http://auth.default.svc.cluster.local/check?a=b",
        "https://tls-{number}.default.svc.cluster.local:80/check",
        "http://gone-{number}.default.svc.cluster.local/",
        "http://falter-{number}.default.svc.cluster.local:80",
        "http://$host/check",
        "http://nowhere.invalid/check",
        "https://nowhere.invalid:8443/%2F%REQ(x)%",
    ),
    **dict.fromkeys(("auth-secret", "auth-tls-secret", "proxy-ssl-secret"), _SECRETS),
    "auth-tls-verify-client": ("on", "optional", "optional_no_ca", "off"),
    "auth-tls-verify-depth": ("0", "1", "10"),
    "auth-tls-match-cn": ("CN=(client|other)", "CN=.*", "CN=client,O=x|CN=y"),
    "auth-tls-error-page": ("https://help.test/%20?a=$host&b=%REQ(x)%", "http://h.test"),
    "tls-min-protocol-version": ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    "tls-max-protocol-version": ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
    **dict.fromkeys(("ssl-cipher", "ssl-ciphers"), (_CIPHERS, f"{_CIPHERS}:!aNULL", "AES256-SHA")),
    "server-alias": ("alias.{name}.test", "alias.{name}.test *.alias.{name}.test", "shared-1.test"),
    "app-root": ("/a/b?c=%2F&d#e", "/%REQ(x)%", "/$1"),
    "rewrite-target": ("/", "/$1", "/x/$2/$1", "/a%20b?c=$1", "/\\1"),
    "upstream-vhost": ("{name}.internal:8080", "[::1]:80", "a_b.test"),
    "use-regex": ("true", "false"),
    "temporal-redirect": ("http://other.test/a?b=%2F#c", "https://[::1]:8443/", "/x"),
    "permanent-redirect": ("https://other.test:8443", "http://h.test/%REQ(x)%"),
    "match-method": ("GET", "GET HEAD POST PUT DELETE OPTIONS PATCH", "TRACE CONNECT"),
    "limit-rps": ("1", "1000000", "0"),
    "limit-rpm": ("1", "60", "1000000"),
    "limit-req-status-code": ("429", "503", "418", "444"),
    "limit-allowlist": ("127.0.0.1", "::/0", "10.0.0.0/8,127.0.0.0/8"),
    "route-limit-rps": ("1", "1000000"),
    "route-limit-rpm": ("1", "1000000"),
    "route-limit-burst-multiplier": ("1", "1000"),
    "limit-burst-multiplier": ("1", "1000"),
    "timeout": ("1", "0", "3600"),
    "proxy-connect-timeout": ("1", "75", "0"),
    "proxy-read-timeout": ("1", "60", "86400"),
    "proxy-send-timeout": ("1", "60", "86400"),
    "proxy-next-upstream": (
        "error timeout http_500 http_502 http_503 http_504 non_idempotent",
        "http_404 http_429",
        "off",
        "invalid_header,error",
    ),
    "proxy-next-upstream-tries": ("0", "1", "100"),
    "proxy-next-upstream-timeout": ("0", "1", "100"),
    "upstream-hash-by": ("$request_uri", "$host", "$remote_addr", "$http_x_user", "$arg_x"),
    "load-balance": ("round_robin", "least_conn", "random"),
    "session-cookie-max-age": ("0", "1", "31536000"),
    "connection-policy-tcp-max-connection": ("1", "1000000"),
    "connection-policy-tcp-max-connection-per-endpoint": ("1", "1000000"),
    "connection-policy-http-max-request-per-connection": ("1", "2"),
    "warmup": ("1", "86400"),
    "proxy-body-size": ("1", "4k", "1g", "0"),
    "proxy-ssl-protocols": ("TLSv1", "TLSv1.3", "TLSv1.1 TLSv1.2", "SSLv3 TLSv1.2"),
    "proxy-ssl-ciphers": (_CIPHERS, "AES128-SHA"),
    "proxy-ssl-verify-depth": ("0", "1", "100"),
    "proxy-ssl-name": ("web.test", "pod", "*.test", "127.0.0.1"),
    "custom-headers": ("default/headers",),
    "cors-allow-origin": ("*", "https://a.test", "https://*.a.test:8443", "http://[::1]:80"),
    "cors-max-age": ("-1", "0", "600"),
    "canary-weight": ("0", "1", "50", "100"),
    "satisfy": ("all", "any"),
    "whitelist-source-range": ("127.0.0.1", "::/0", "*", "192.0.2.1"),
    "denylist-source-range": ("127.0.0.1", "::ffff:127.0.0.1", "10.0.0.0/8"),
}

SUITED: Final[Mapping[str, tuple[str, ...]]] = {**ACCESS, **_OWN}
"""Further values by the names of their keys, most of them usable."""


def suited(name: str) -> tuple[str, ...]:
    """Return values that suit the key of this name, more or less."""
    found = SUITED.get(name, ())
    return found or next((VALUES[end] for end in VALUES if name.endswith(end)), ())


HARMFUL: Final = (
    *TEXTS,
    *NAMES,
    *REGEXES,
    *(str(number) for number in NUMBERS),
    *("1.5", "0x10", "1e3", "+5", "-0", "00", "1s", "1m", "1k", "1g", "1_000", "\u0661", "inf"),
    *("0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.1/8", "::1/129", "fe80::1%1/64", "10.0.0.0/-1"),
    *(
        "http://",
        "https://",
        "http:///x",
        "http://a b/",
        "http://[::1]:80/",
        "http://u:p@h/",
        "//h",
    ),
    *("http://h:0/", "http://h:99999/", "http://%zz/", "http://h/%", "http://h/\\1", "ftp://h/"),
    *("http://h/?a=%REQ(x)%", "http://h/#f", "http://h/$1", "HTTP://H/", "http://" + "a" * 300),
    *("http://web.default.svc:80/", "http://web.default.svc.cluster.local/", "http://127.0.0.1:1"),
    *("/$1", "/$9", "/$10", "/$0", "/\\1", "/\\9", "/$", "/a b", "/?x", "/#x", "/$1$2$1", "$1"),
    *(
        "x-a 1\nx-b 2",
        "x-a",
        "x-a \x01",
        ":path /",
        "host h",
        "x a\nx b",
        "x-a %",
        "content-length 5",
    ),
    *("transfer-encoding chunked", "x-a '", 'x-a "', "'x a' b", "x-a  ", "connection close"),
    *("200,404", "99", "600", "404,,", "404;405", "100", "304", "204", "599"),
    *("TLSv1.0", "TLSv1.3", "SSLv3", "TLSv1.2 TLSv1.3", "ALL:!aNULL", "AES128-SHA", "HIGH"),
    *("off", "on", "error timeout", "http_503", "http_999", "non_idempotent", "error,off", "http_"),
    *(
        "$request_uri",
        "$host",
        "$remote_addr",
        "$http_x",
        "$arg_x",
        "$http_",
        "$cookie_x",
        "${host}",
    ),
    *("https://*.a.test", "https://*", "*,https://a.test", "https://a.test:x", "null", "*.a.test"),
    *("GET", "GET,POST", "GET POST", "get", "G E T", "M" * 200, "CONNECT", "*"),
)
"""Values that suit few annotations, or none."""

SLIPS: Final = (
    "",
    " ",
    ",",
    ", ",
    "\n",
    ";",
    "%",
    "$1",
    "\\",
    '"',
    "'",
    "\x01",
    "ä",
    "-",
    "/",
    "*",
)
"""Texts that get into a value by mistake."""

PATHS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("/", "/a", "/a/"), "/a"),
    "/something(/|$)(.*)": "/something/x",
    "/([a-z]+)/x.*": "/something/x",
    "/a.b": "/a.b",
    "/ä": "/%C3%A4",
    "/%2f": "/%2F",
    "/(": "/",
}
"""Paths as they are declared, each with one that requests ask for."""
