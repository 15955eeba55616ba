"""Random objects of a fleet: mostly what users write, mixed with mistakes of every kind.

Every random choice comes from one seeded generator, so that a failure can be repeated.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar

from tests.support.builders import ingress
from translators.dialects.alb.unsupported import ALB_UNSUPPORTED
from translators.dialects.annotations.reader import ALB, FLEETGATE
from translators.dialects.boundaries import (
    ALLOW,
    CROSS_NAMESPACE,
    DENY,
    HOST_OWNERSHIP,
    NAMESPACE,
    SHARED,
)
from translators.dialects.mse.features import FEATURES
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

T = TypeVar("T")
Json = Any  # a manifest, right or wrong

SERVICES: Final = ("web", "api", "odd-1", "odd-2", "odd-3", "odd-4")
MEMBERS: Final = ("one", "two")
KEYS: Final = tuple(
    spelling
    for key in (
        *(key for feature in FEATURES for key in feature.keys),
        *(row.key for row in MSE_UNSUPPORTED),
    )
    for spelling in key.spellings
)
ALB_KEYS: Final = tuple(
    f"{ALB}{name}" for name in ("listen-ports", *(row.key.name for row in ALB_UNSUPPORTED))
)
_LISTEN_PORTS: Final = (
    *('[{"HTTP":80}]', '[{"HTTP":80,"HTTPS":443}]', '[{"http":81},{"HTTP":80}]', '[{"HTTP":82}]'),
    *("[]", "{}", "80", "[{}]", '[{"HTTP":"80"}]', '[{"HTTP":1e3}]', '[{"TCP":80}]', "[[[["),
)
_IN_USE: Final = tuple(
    s for f in FEATURES for key in f.keys for s in key.spellings if not key.restricts
)
"""Keys that are carried out. Those that restrict access would close most paths (see `guarded`)."""

TEXTS: Final = (
    *("", " ", "\t", "\n", "\r\n", "\0", "\x7f", "\x1b[31m", "a\x00b", "a\nb", "x" * 5000),
    *("%", "%%", "%s", "%REQ(:path)%", "%DOWNSTREAM_REMOTE_ADDRESS%", "%2F", "%00", "$1", "${x}"),
    *(
        "ä",
        "größe",
        "日本語",
        "\U0001f600",
        "\u202e",
        "\ufeff",
        "\ud800",
        "a\u0301",
        "\x85",
        "\u2028",
    ),
    *("'", '"', "`", "\\", "\\Q", "\\E", "/", "|", "&", "=", "~", "@", ">", "mse|*", "null", "~"),
    *(
        "true",
        "false",
        "never",
        "always",
        "on",
        "yes",
        "-1",
        "0",
        "1e9",
        "NaN",
        "99999999999999999",
    ),
    *("{{ .Values.x }}", "<script>", "; DROP TABLE", "../../etc/passwd", "a" * 256, "é" * 300),
)
NAMES: Final = (
    *("stage", "X-Stage", ":path", ":authority", "host", "x-fg-scope", "connection", "a b", "\x7f"),
    *("a" * 256, "a" * 257, "%REQ(x)%", "*", "!#$", "ä", "cookie", "a=b", "a[]", "a&b", "A.b"),
)
REGEXES: Final = (
    *("", ".*", "^a", "a$", "(", ")", "[", "a**", "(?i)x", "(?=a)", "(?!a)", "\\1", "(a)(b)\\2"),
    *(
        "\\Q",
        "\\Qa.b",
        "\\Qa\\E",
        "\\C",
        "\\pN",
        "\\p{Greek}",
        "\\x{10FFFF}",
        "[[:alpha:]]",
        "(?P<n>a)",
    ),
    *("(?<n>a)", "(?s).*", "(?U)a+", "a)|(b", "a)(?:b", "x{1000}", "x{1001}", "(x{1000}){1000}"),
    *(".{900}", "é{300}", "(a|b|c){300}", "[^\\x00-\\x{10FFFF}]", "\\", "a\\", "|", "||", "(|)*"),
    *(
        "(?i)\u017f\u212a",
        "\\pL{200}",
        "(((((((((((a*)*)*)*)*)*)*)*)*)*)*",
        "(?#c)",
        "\\z",
        "\\b\\B",
    ),
)
NUMBERS: Final = (-1, 0, 1, 10, 50, 99, 100, 101, 150, 1000, 10**6, 2**31, 2**32, 2**64, 10**30)
_LARGE: Final = (*(10**n for n in range(3, 18, 2)), 2**31, 2**32 - 1, 2**32, 999_999, 10**17 + 3)
VALUES: Final = {
    "backend-protocol": ("HTTP", "http2", "GRPC", "HTTPS", "GRPCS", "FCGI", "h2"),
    "ssl-redirect": ("true", "true", "true", "false", "on"),
    **dict.fromkeys(("header", "query", "cookie"), NAMES),
    "proxy-next-upstream": ("off", "error", "http_503 error", "http_429,non_idempotent", "http_99"),
    **dict.fromkeys(
        ("-tries", "timeout", "-connection", "-per-endpoint", "warmup", "-age", "-expires"),
        ("0", "1", "5", "3600", "-1", "10000000000", "1s"),
    ),
    "-depth": ("0", "1", "100", "101"),
    "load-balance": ("round_robin", "least_conn", "random", "ewma"),
    "affinity": ("cookie", "ip"),
    "affinity-mode": ("balanced", "persistent", "sticky"),
    "affinity-canary-behavior": ("sticky", "legacy", "none"),
    "upstream-hash-by": ("$request_uri", "$host", "$http_X_Y", "$arg_a", "$remote_addr", "$x"),
    "cookie-name": ("route", "a b", "é", "a" * 256, "%"),
    "cookie-path": ("/", "/a", "/%2F;", "a"),
    "-samesite": ("None", "lax", "Strict;"),
    "-domain": ("example.com", ".a", "a;b"),
    **dict.fromkeys(("-secure", "-partitioned", "-on-failure"), ("true", "false", "on")),
    **dict.fromkeys(
        ("default-backend", "mirror-target-service"),
        ("web", "api", "api:80", "other/web", "web:http", "nowhere", "a/b/c"),
    ),
    "http-errors": ("404,503", "500", "200", "4xx"),
    "mirror-percentage": ("0", "50", "100", "101"),
    "mirror-target": ("http://web.default.svc", "https://web.default.svc:8443/$request_uri", "x"),
    "mirror-host": ("copy.example.com", "a b"),
    "-secret": ("tls", "default/tls", "other/tls", "nowhere"),
    **dict.fromkeys(("-server-name", "-verify"), ("on", "off", "yes")),
    "ssl-name": ("web.example.com", "*", "%"),
    "-protocols": ("TLSv1.2 TLSv1.3", "TLSv1", "SSLv3"),
    "ssl-ciphers": ("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA", "HIGH:!aNULL", "DEFAULT"),
}
"""Values that suit keys with these ends, more or less."""
ACCESS: Final = {
    "auth-url": (
        *("http://web.default.svc.cluster.local/check", "https://api.default.svc/a?b=%2F&c"),
        *("http://web.other.svc:80", "http://$host/x", "http://10.0.0.1:8080", "http://[fd00::1]/"),
        *("https://auth.invalid/%REQ(x)%", "https://10.0.0.1", "http://web.default.svc/a b"),
    ),
    "auth-method": ("GET", "POST", "HEAD"),
    "auth-response-headers": ("X-User", "x-user,Authorization", "Cookie, X-A", "!#$%&'*+.^`|~"),
    "auth-signin": ("https://a.test/?rd=$request_uri", "https://$host/%REQ(x)%", "https://a.test"),
    "auth-request-redirect": ("$scheme://$http_host$request_uri", "100%", "/%REQ(x)%"),
    "auth-type": ("basic",),
    "auth-secret": ("users", "other"),
    "auth-secret-type": ("auth-file", "auth-map"),
    **dict.fromkeys(
        ("allowlist-source-range", "denylist-source-range"),
        ("10.0.0.0/8", "10.0.0.1, ::1", "*", "::ffff:10.0.0.0/104", "10.0.0.0/33"),
    ),
    "satisfy": ("any", "all"),
    "enable-cors": ("true",),
    "cors-allow-origin": ("*", "https://a.test", "https://*.a.test:8443", "https://a.*"),
    "limit-rps": ("1", "1000000", "1000001", "0"),
    "limit-req-status-code": ("429", "503", "418", "599"),
    "proxy-body-size": ("0", "1k", "8m", "1024g"),
}
"""Values of annotations that say who may ask."""
_HOSTS: Final = (
    *(
        "example.com",
        "Example.COM",
        "a.example.com",
        "*.example.com",
        "*.b.example.com",
        "*",
        "",
        None,
    ),
    *("xn--bcher-kva.example", "bücher.example", "a..b", ".a", "a.", "-a.b", "a_b.c", "a*.b.c"),
    *("1.2.3.4", "[::1]", "a.example.com:80", "a b", "a|b", "x" * 63, "x" * 64, "*.com", "*.*.com"),
    *(
        ".".join(["abc"] * 63),
        ".".join(["abcd"] * 60),
        "%REQ(x)%",
        "mse|*",
        "a/b",
        "a\nb",
        "1",
        "0",
    ),
)
PATHS: Final = (
    *(
        "/",
        "",
        None,
        "/a",
        "/a/",
        "/a/b",
        "/A",
        "//",
        "/a//b",
        "/.",
        "/..",
        "/a/../b",
        "/%2f",
        "/%20",
    ),
    *(
        "/ä",
        "/a b",
        "/a?b",
        "/a#b",
        "/a;b=c",
        "a",
        "*",
        "/*",
        "/(.*)",
        "/[a-z]+",
        "/a\\b",
        "/\0",
        "/\n",
    ),
    *(
        "/%",
        "/%%",
        "/%zz",
        "/%REQ(x)%",
        "/~user",
        "/a|b",
        "/{a}",
        "/" + "x" * 4000,
        "/" + "x" * 9000,
    ),
    *(
        "/" + "a/" * 500,
        "/:authority",
        "/\ud800",
        "/\U0001f600",
        "/'",
        '/"',
        "/@:$&,+=!",
        "/.well-known/x",
    ),
)
_ADDRESSES: Final = (
    *("10.0.0.1", "10.0.0.1", "10.0.0.2", "::1", "fd00::1", "FD00:0::1", "::ffff:10.0.0.1"),
    *("fe80::1%eth0", "fe80::1%25", "fe80::1%", "0.0.0.0", "::", "255.255.255.255", "224.0.0.1"),  # noqa: S104 (data)
    *("010.0.0.1", "10.0.0", "10.0.0.1:80", "[::1]", "host.example", "", "a b", "/run/x", 5),
)


class Generator:
    """Makes manifests from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 (to be repeatable is the point)

    def one_of(self, choices: Sequence[T]) -> T:
        """Choose one of the values."""
        return self._random.choice(choices)

    def chance(self, percent: int) -> bool:
        """Whether something of this probability happens."""
        return self._random.random() * 100 < percent

    def mostly(self, good: Json, *odd: Json) -> Json:
        """Choose what is right four times of five."""
        return good if self.chance(80) else self.one_of(odd)

    def guarded(self, name: str) -> Json:
        """An Ingress that says who may ask; each annotation keeps company that it needs."""
        names = self.one_of(
            (
                ("auth-url", "auth-response-headers", "auth-signin"),
                ("auth-url", "auth-method", "auth-request-redirect", "allowlist-source-range"),
                ("auth-url", "auth-type", "auth-secret", "satisfy", "denylist-source-range"),
                ("auth-type", "auth-secret", "auth-secret-type", "proxy-body-size"),
                ("enable-cors", "cors-allow-origin", "limit-rps", "limit-req-status-code"),
            )
        )
        prefix = self.one_of(("nginx", "mse")) + ".ingress.kubernetes.io/"
        values = {prefix + each: self.mostly(self.one_of(ACCESS[each]), *TEXTS) for each in names}
        host = self.one_of(("a.guarded.test", "*.guarded.test", "b.guarded.test"))
        made = ingress(name, host=host).path(f"/{name}", to="web:80").annotate(values)
        return made.of_class("mse").manifest

    # -- the hub -----------------------------------------------------------------------------------

    def gateway(self, name: str, number: int) -> Json:
        """A gateway of both members with odd settings. By its number its boundaries are strict."""
        others = ("", " ", "three", "ä", "*", "one", "../two", "a" * 300)
        proxies = ("0.0.0.0/0", "127.0.0.1", "10.1.2.3/8", "::/0", "fe80::1%1", "a/8", self._text())
        times = ("3s", "1s", "0s", "-1s", "1", "1h", "250ms", "99999999s", "1.5s", "9" * 400)
        # A short one would end requests of the control Ingress while the machine is busy.
        silences = tuple("600s" if time in {"3s", "1s", "250ms"} else time for time in times)
        annotations = {
            "mse.alibabacloud.com/remote-clusters": ",".join([*MEMBERS, self.one_of(others)]),
            "fleetgate.dev/upstream-timeout": self.one_of((*times, self._text())),
            "fleetgate.dev/connect-timeout": self.one_of((*times, self._text())),
            "fleetgate.dev/stream-idle-timeout": self.one_of((*silences, self._text())),
            "fleetgate.dev/path-normalization": self.one_of(("base", "strict", self._text())),
            "fleetgate.dev/trusted-proxies": f"{proxies[number % 2]},{self.one_of(proxies)}",
            "fleetgate.dev/proxy-protocol": self.mostly("true", "false", self._text()),
            "fleetgate.dev/upstream-idle-timeout": self.one_of((*times, self._text())),
            "fleetgate.dev/region": self.one_of(("north", "south", self._text())),
            "fleetgate.dev/zone": self.one_of(("a", "b", self._text())),
            "fleetgate.dev/prefer": self.one_of(("none", "region", "zone", self._text())),
            "fleetgate.dev/overprovisioning": self.one_of(("100", "140", "0", self._text())),
            HOST_OWNERSHIP: self.one_of((NAMESPACE, "any")) if number % 2 else SHARED,
            CROSS_NAMESPACE: self.one_of((DENY, "any")) if number // 2 % 2 else ALLOW,
        }
        metadata = {"name": name, "annotations": annotations}
        spec = {"name": self.mostly(name, self._anything())}
        spec["ingress"] = {"local": {"ingressClass": "mse"}}
        return _manifest("mse.alibabacloud.com/v1alpha1", "MseIngressConfig", metadata, spec=spec)

    def alb_gateway(self, name: str) -> Json:
        """A gateway with listeners on 80 and 81, and odd entries between them."""
        odd = [
            {
                "port": self.one_of((80, "81", 0, -1, 65536, "x", None, [], True)),
                "protocol": self._anything(),
            }
            for _ in range(self._random.randint(0, 3))
        ]
        odd += [self._alb_listener(port) for port in (443, 8443, 8080)]
        good = [{"port": port, "protocol": "HTTP"} for port in (80, "81")]
        annotations = {"alb.ingress.kubernetes.io/remote-clusters": ",".join(MEMBERS)}
        spec = {"config": {"id": self._anything()}, "listeners": [good[0], *odd, good[1]]}
        metadata = {"name": name, "annotations": annotations}
        return _manifest("alibabacloud.com/v1", "AlbConfig", metadata, spec=spec)

    def _alb_listener(self, port: int) -> Json:
        """A listener with odd settings."""
        named = {"CertificateId": self.one_of(("default/good", "default/broken", self._text()))}
        flag, number = (True, False, "false", self._anything()), (1, "60", 0, self._anything())
        kinds = ("White", "Black", self._text())
        ranges = ["127.0.0.0/8", self.one_of(("10.0.0.0/8", "::1", self._text()))]
        return {
            "port": port,
            "protocol": self.one_of(("HTTP", "HTTPS", "QUIC")),
            "requestTimeout": self.one_of(number),
            "idleTimeout": self.one_of(number),
            "gzipEnabled": self.one_of(flag),
            "http2Enabled": self.one_of(flag),
            "securityPolicyId": self.one_of(("tls_cipher_policy_1_0", self._text())),
            "xForwardedForConfig": {"XForwardedForProtoEnabled": self.one_of(flag)},
            "certificates": [named, {**named, "IsDefault": self.one_of(flag)}],
            "caEnabled": self.one_of((False, False, True, self._anything())),
            "caCertificates": [named],
            "aclConfig": {"aclType": self.one_of(kinds), "aclEntries": ranges},
            "quicConfig": {"quicUpgradeEnabled": self.one_of(flag)},
        }

    def ingress(self, name: str) -> Json:
        """An Ingress; a few do not even have a usable name."""
        metadata: dict[str, Json] = {"name": name if self.chance(97) else self._anything()}
        if self.chance(10):
            metadata["namespace"] = self.one_of(["default", "other", "", None, 5, "A", "x" * 70])
        if self.chance(20):
            metadata["creationTimestamp"] = self.one_of(
                ["2026-01-01T00:00:00Z", "2025-06-01T12:00:00.5+02:00", "yesterday", 5, None]
            )
        if self.chance(85):
            metadata["annotations"] = self._annotations()
        spec: dict[str, Json] = {"ingressClassName": self.one_of(("mse", "mse", "mse", "alb"))}
        if self.chance(95):
            spec["rules"] = [self._rule() for _ in range(self._random.randint(0, 3))]
        if self.chance(10):
            spec["defaultBackend"] = self._backend()
        if self.chance(5):
            spec["tls"] = self.one_of([[{"hosts": ["a.example.com"], "secretName": "x"}], 5, [5]])
        if self.chance(3):
            spec[self.one_of(["rules", "ingressClassName", "defaultBackend"])] = self._anything()
        return _manifest("networking.k8s.io/v1", "Ingress", metadata, spec=spec)

    def weighted(self, name: str) -> list[Json]:
        """A main Ingress and canaries of its path: weights of their own over weighted Services."""
        host, made = f"{name}.weights.test", []
        for number in range(self._random.randint(2, 4)):
            prefix = f"{self.one_of(('mse', 'nginx'))}.ingress.kubernetes.io/canary"
            annotations = {
                prefix: "true",
                f"{prefix}-weight": str(self.one_of((*NUMBERS, *_LARGE))),
                f"{prefix}-weight-total": str(self.mostly(self.one_of(_LARGE), *NUMBERS)),
            }
            shares = [f"{self._random.randint(1, 100)}% {name}" for name in self._services()]
            namespace = self.mostly("default", "other")
            lines = [f"{share}.{namespace}.svc.cluster.local:80" for share in shares]
            destination = {"mse.ingress.kubernetes.io/destination": "\n".join(lines)}
            backend = {"service": {"name": self.one_of(SERVICES), "port": {"number": 80}}}
            paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
            metadata = {
                "name": f"{name}-{number}",
                "annotations": {**(annotations if number else {}), **destination},
            }
            spec = {"ingressClassName": "mse", "rules": [{"host": host, "http": {"paths": paths}}]}
            made.append(_manifest("networking.k8s.io/v1", "Ingress", metadata, spec=spec))
        return made

    def crowd(self, name: str) -> list[Json]:
        """A main Ingress, and many canaries of its path by patterns."""
        host, prefix = f"{name}.crowd.test", "nginx.ingress.kubernetes.io/canary"
        made = []
        for number in range(self.one_of((3, 20, 70))):
            annotations = {
                prefix: "true",
                f"{prefix}-by-header": f"x-{number}",
                f"{prefix}-by-header-pattern": self.one_of(REGEXES),
            }
            backend = {"service": {"name": self.one_of(SERVICES), "port": {"number": 80}}}
            paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
            metadata = {
                "name": f"{name}-{number}",
                "annotations": annotations if number else {},
                "creationTimestamp": f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z",
            }
            spec = {"ingressClassName": "mse", "rules": [{"host": host, "http": {"paths": paths}}]}
            made.append(_manifest("networking.k8s.io/v1", "Ingress", metadata, spec=spec))
        return made

    def _services(self) -> list[str]:
        return self._random.sample(SERVICES, self._random.randint(1, len(SERVICES)))

    def _rule(self) -> Json:
        if self.chance(2):
            return self._anything()
        host = self.one_of(_HOSTS) if self.chance(40) else f"h{self._random.randint(0, 9)}.test"
        paths = [self._path() for _ in range(self._many(4))]
        return {"host": host, "http": {"paths": paths}}

    def _path(self) -> Json:
        if self.chance(2):
            return self._anything()
        entry: dict[str, Json] = {
            "path": self._some_path(),
            "backend": self._backend(),
        }
        if self.chance(90):
            kinds = ("Exact", "Prefix", "ImplementationSpecific", "Prefix", "exact", "Regex", 5)
            entry["pathType"] = self.one_of(kinds[: 7 if self.chance(10) else 4])
        return entry

    def _some_path(self) -> Json:
        if self.chance(20):
            return self.one_of(PATHS)
        if self.chance(10):  # a pattern of ALB, or many paths of one Ingress
            return f"/{''.join(self.one_of(('*', '?', 'a', 'b/')) for _ in range(self._many(9)))}"
        return self.one_of(("/", "/a"))

    def _backend(self) -> Json:
        if self.chance(5):
            return self.one_of([{}, {"resource": {"kind": "Bucket", "name": "b"}}, None, 5])
        name = self.one_of(SERVICES) if self.chance(90) else self._text()
        port = self.one_of([{"number": 80}, {"number": 80}, {"name": "http"}, {"number": 81}])
        if self.chance(10):
            port = {self.one_of(["number", "name"]): self._anything()}
        return {"service": {"name": name, "port": port}}

    def _annotations(self) -> Json:
        if self.chance(1):
            return self._anything()
        annotations: dict[str, Json] = {}
        if self.chance(50):
            annotations |= self._canary()
        for _ in range(self._random.randint(0, 6)):
            key = self.one_of(_IN_USE if self.chance(60) else KEYS)
            annotations[key] = self._value(key) if self.chance(80) else self._anything()
        if self.chance(30):  # `test_fuzz` counts what these do, so they are not left to chance
            counted = ("subset-labels", "ssl-redirect", "backend-protocol", "destination")
            key = self.one_of(counted)
            annotations[f"mse.ingress.kubernetes.io/{key}"] = self._value(key)
        if self.chance(20):
            key = self.one_of(ALB_KEYS)
            annotations[key if self.chance(90) else key + self._text()] = self._text()
        if self.chance(20):
            annotations[f"{ALB}listen-ports"] = self.mostly(*_LISTEN_PORTS[:1], *_LISTEN_PORTS)
        if self.chance(15):
            annotations |= self._weights()
        if self.chance(5):
            annotations[self._text()] = self._text()
        if self.chance(15):
            key = self._nearly(self.one_of((*KEYS, *ALB_KEYS, "fleetgate.dev/connect-timeout")))
            annotations[key] = self._value(key)
        return annotations

    def _weights(self) -> dict[str, Json]:
        """Weights of members, in one spelling."""
        prefix = self.one_of((FLEETGATE, ALB))
        named = [*MEMBERS, self.one_of(("gone", "a.b", self._text()))]
        weights = [self.mostly(str(self.one_of(NUMBERS)), self._anything()) for _ in named]
        keys = (f"{prefix}cluster-weight.{member}" for member in named)
        return dict(zip(keys, weights, strict=True))

    def _nearly(self, key: str) -> str:
        """A key with a slip in it."""
        prefix, _, name = key.partition("/")
        other = self.one_of(("nginx", "mse", "alb"))
        place = self._random.randrange(len(name))
        slips = (
            f"{prefix}/{name[:place]}{name[place + 1 :]}",
            f"{prefix}/{name[:place]}{name[place:].swapcase()}",
            f"{prefix}/{name.replace('-', '_')}",
            f"{prefix}/{name}x" * self.one_of((1, 1, 50)),
            f"{other}.ingress.kubernetes.io/{name}",
        )
        return self.one_of(slips)

    def _canary(self) -> dict[str, Json]:
        """A canary of one or more kinds, right in most parts."""
        prefix = self.one_of(("mse", "mse", "nginx", "alb")) + ".ingress.kubernetes.io/canary"
        canary = {prefix: self.mostly("true", "false", "treu", True)}
        for by in ("header", "query", "cookie"):
            if self.chance(50):
                name = f"{prefix}-by-{by}"
                canary[name] = self.mostly("stage", *NAMES)
                if self.chance(80):
                    kind = self.one_of(("value", "pattern", "pattern"))
                    canary[f"{name}-{kind}"] = self._value(f"{name}-{kind}")
        if self.chance(40):
            canary[f"{prefix}-weight"] = self._value("weight")
        if self.chance(20):
            canary[f"{prefix}-weight-total"] = self._value("weight")
        return canary

    def _value(self, key: str) -> Json:
        """A value that suits the key, more or less."""
        if self.chance(15):
            return self._text()
        if "pattern" in key:
            return self.one_of(REGEXES)
        if "weight" in key:
            return str(self.one_of(NUMBERS))
        if key.endswith("subset-labels"):
            return self._labels()
        if key.endswith("destination"):
            return self._destination()
        suited = next((VALUES[end] for end in VALUES if key.endswith(end)), None)
        return self.one_of(suited) if suited else self._text()

    def _labels(self) -> str:
        if self.chance(50):  # about as many as there may be, with a long name
            return "\n".join(f"label-{n}.example.com v{n}" for n in range(self.one_of((32, 33))))
        keys = ("topology.istio.io/cluster", "app", "version", "%", "ä")
        lines = [
            f"{self.one_of(keys)} {self.one_of((*MEMBERS, 'v1', self._text()))}"
            for _ in range(self._random.randint(0, 3))
        ]
        return "\n".join(lines)

    def _many(self, few: int) -> int:
        """How many lines there are: a few, and sometimes about as many as there may be."""
        return (
            self._random.choice((31, 33, 63, 65, 500))
            if self.chance(5)
            else self._random.randint(0, few)
        )

    def _destination(self) -> str:
        if self.chance(50):
            namespace = self.one_of(("default", "other"))
            lines = [f"{s}.{namespace}.svc.cluster.local:80" for s in self._services()]
            return "\n".join(lines * self.one_of((1, 1, 20)))
        lines = [
            f"{self.one_of(('', '10% ', '90% ', '0% ', '101% ', 'x% '))}"
            f"{self.one_of((*SERVICES, 'UP', 'a.b'))}"
            f".{self.one_of(('default', 'default', 'default', 'other'))}.svc.cluster.local"
            f"{self.one_of((':80', ':81', ':0', ':99999', ''))}"
            for _ in range(self._many(4))
        ]
        return "\n".join(lines)

    # -- members -----------------------------------------------------------------------------------

    def service(self, name: str) -> Json:
        """A Service with odd ports."""
        ports = [
            {
                "name": self.mostly("http", "", 5, "a.b"),
                "port": self.mostly(80, 81, 0, -1, 70000, "80", None),
                "protocol": self.mostly("TCP", "UDP", 5, None),
            }
            for _ in range(self._random.randint(1, 3))
        ]
        spec = {"ports": ports if self.chance(97) else self._anything()}
        return _manifest("v1", "Service", {"name": name}, spec=spec)

    def slices(self, service: str) -> list[Json]:
        """EndpointSlices of a Service with odd endpoints."""
        return [self._slice(f"{service}-{n}", service) for n in range(self._random.randint(0, 3))]

    def _slice(self, name: str, service: str) -> Json:
        endpoints = [
            {
                "addresses": [self.one_of(_ADDRESSES) for _ in range(self.mostly(1, 0, 2))],
                "conditions": {"ready": self.mostly(True, None, False, "yes")},
                "targetRef": self.mostly({"kind": "Pod", "name": "p"}, {}, None, 5),
            }
            for _ in range(self._random.randint(0, 8))
        ]
        ports = [
            {
                "name": self.mostly("http", "", 5, "a.b"),
                "port": self.mostly(8080, 1, 65535, 0, 65536, -1, "8080", None),
            }
            for _ in range(self._random.randint(1, 3))
        ]
        metadata = {"name": name, "labels": {"kubernetes.io/service-name": service}}
        made = _manifest("discovery.k8s.io/v1", "EndpointSlice", metadata)
        return {
            **made,
            "addressType": self.one_of(["IPv4", "IPv6", "FQDN"]) if self.chance(97) else 5,
            "endpoints": endpoints if self.chance(97) else self._anything(),
            "ports": ports,
        }

    def with_node_ports(self, service: Json) -> Json:
        """The same Service with odd node ports."""
        spec = service["spec"]
        listed = spec.get("ports") if isinstance(spec, dict) else None
        if not isinstance(listed, list):
            return service
        odd = (None, 0, -1, 65535, 65536, "30080")
        ports = [
            {**port, "nodePort": self.mostly(30080, *odd)} if isinstance(port, dict) else port
            for port in listed
        ]
        policy = self.one_of(("Cluster", "Local", None, 5))
        return {**service, "spec": {"ports": ports, "externalTrafficPolicy": policy}}

    def on_nodes(self, piece: Json) -> Json:
        """The same EndpointSlice with odd nodes of its endpoints."""
        endpoints = piece["endpoints"]
        if not isinstance(endpoints, list):
            return piece
        names = ("node-0", "node-1", "node-2", None, 5)
        made = [
            {**each, "nodeName": self.one_of(names)} if isinstance(each, dict) else each
            for each in endpoints
        ]
        return {**piece, "endpoints": made}

    def nodes(self) -> list[Json]:
        """Nodes with odd addresses and conditions."""
        return [self._node(f"node-{n}") for n in range(self._random.randint(0, 30))]

    def _node(self, name: str) -> Json:
        addresses = [
            {
                "type": self.mostly("InternalIP", "ExternalIP", "Hostname", None, 5),
                "address": self.mostly(f"192.0.2.{self._random.randint(1, 9)}", *_ADDRESSES),
            }
            for _ in range(self._random.randint(0, 3))
        ]
        conditions = [{"type": "Ready", "status": self.mostly("True", "False", "Unknown", 5)}]
        status = {"addresses": addresses, "conditions": conditions}
        return {**_manifest("v1", "Node", {"name": name}), "status": status}

    def settings(self, number: int) -> Mapping[str, str]:
        """How a member is reached; each way comes once in three numbers."""
        gateway = {
            "addressing": "gateway",
            "gateway-address": self.one_of(
                ("192.0.2.1:80", "[2001:db8::1]:443", "localhost:80", "a.invalid:443")
            ),
            "gateway-tls": self.one_of(("off", "unverified", "verified")),
        }
        return ({}, {"addressing": "nodePorts"}, gateway)[number % 3]

    # -- anything ----------------------------------------------------------------------------------

    def _text(self) -> str:
        if self.chance(60):
            return self.one_of(TEXTS)
        return "".join(
            chr(self._random.choice((self._random.randrange(128), self._random.randrange(0xD800))))
            for _ in range(self._random.randint(1, 20))
        )

    def _anything(self) -> Json:
        """A value of any type."""
        values: tuple[Json, ...] = (
            None,
            True,
            5,
            -1.5,
            10**30,
            [],
            {},
            [5],
            {"a": 5},
            self._text(),
        )
        return self.one_of(values)


def _manifest(api_version: str, kind: str, metadata: Json, **parts: Json) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}
