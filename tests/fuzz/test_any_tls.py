"""Whatever hosts ask of their TLS, a real Envoy accepts all listeners, and serves other hosts."""

import asyncio
import ssl
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from fleetgate.demo.http import NoAnswerError
from tests.e2e.secured import Secured, secured
from tests.e2e.showing import authorities
from tests.support.authority import Authority
from tests.support.builders import ingress, secret
from translators.dialects.edge_settings import HTTP3, TRUSTED_PROXIES
from xds.resource import TypeUrl

SEED: Final = 20260131
BATCHES: Final = 8
HOSTS: Final = 30

_VERSIONS: Final = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3", "TLSv1", "SSLv3", "")
_CIPHERS: Final = (
    *("ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA:AES256-SHA", "HIGH:!aNULL:!MD5", "ALL", "!"),
    *("AES128-SHA:!AES128-SHA", "TLS_AES_128_GCM_SHA256", "[A|B]", "@STRENGTH", "a" * 5000, ":::"),
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
)
_ANNOTATIONS: Final = {
    "mse.ingress.kubernetes.io/tls-min-protocol-version": _VERSIONS,
    "mse.ingress.kubernetes.io/tls-max-protocol-version": _VERSIONS,
    "nginx.ingress.kubernetes.io/ssl-cipher": _CIPHERS,
    "higress.io/ssl-ciphers": _CIPHERS,
    "nginx.ingress.kubernetes.io/ssl-passthrough": ("true", "false", "on"),
    "nginx.ingress.kubernetes.io/auth-tls-secret": (
        *("ours", "default/ours", "revoking", "empty", "text", "nowhere", "other/ours", "a/b/c"),
        *("", "%", "x" * 300),
    ),
    "nginx.ingress.kubernetes.io/auth-tls-verify-client": (
        *("on", "off", "optional", "optional_no_ca", "On", "%REQ(x)%"),
    ),
    "nginx.ingress.kubernetes.io/auth-tls-verify-depth": ("0", "1", "10", "11", "-1", "2**32"),
    "nginx.ingress.kubernetes.io/auth-tls-match-cn": (
        *("CN=alice", "CN=(a|b)", "CN=", "CN=.*", "CN=(", "CN=\\C", "CN=a{1000}", "CN=%REQ(x)%"),
        *("CN=ä", "CN=[[:alpha:]]+,O=\\Q.*\\E", "OU=x", "CN=\0"),
    ),
    "nginx.ingress.kubernetes.io/auth-tls-error-page": (
        *("https://help.test/a?b=%20", "http://[::1]:1/", "/page", "https://", "javascript:x"),
        *("https://help.test/%REQ(x)%", "https://help.test/\r\nset-cookie: a=b", "https://ä.test"),
    ),
    "nginx.ingress.kubernetes.io/auth-tls-pass-certificate-to-upstream": ("true", "false", "1"),
    "nginx.ingress.kubernetes.io/ssl-redirect": ("true", "false"),
}

pytestmark = [pytest.mark.usefixtures("real_envoy"), pytest.mark.timeout(180)]


def _secrets(site: Secured) -> list[Any]:  # builders of any kind
    ours = Authority.make("ours")
    revocations = ours.revoke(ours.issue("revoked", addresses=[], names=["revoked"]))
    return [
        site.secret("shown", "usual.test", "*.tls.test"),
        authorities("ours", ours, ours),
        authorities("revoking", ours, revocations=revocations),
        secret("empty", {"ca.crt": ""}),
        secret("text", {"ca.crt": b64encode(b"text").decode(), "ca.crl": "?"}),
    ]


def _declare(site: Secured, random: Random, number: int) -> None:
    star = random.choice(("*.", "", ""))
    host = f"{star}h{number}.tls.test"
    asked = random.sample(sorted(_ANNOTATIONS), random.randint(0, 6))
    made = ingress(f"i{number}", host=host).path(random.choice(("/", "/a")), to="web:80")
    made = made.annotate({key: random.choice(_ANNOTATIONS[key]) for key in asked})
    made = made.tls("shown", host) if random.random() < 0.8 else made
    site.rig.declare(f"i{number}.yaml", made.of_class("mse"))


async def _served(root: Path) -> set[str]:
    """Return the reasons of all problems. Each batch replaces a half of the hosts."""
    random, reasons = Random(SEED), set[str]()  # noqa: S311 (a test that can be repeated)
    async with secured(root, {HTTP3: "true", TRUSTED_PROXIES: "192.0.2.1"}) as site:
        site.rig.declare("secrets.yaml", *_secrets(site))
        site.rig.declare("usual.yaml", site.ingress("usual.test", "shown").of_class("mse"))
        for batch in range(BATCHES):
            for number in range(HOSTS):
                if not batch or random.random() < 0.5:
                    _declare(site, random, number)
            await site.rig.sync()
            control = site.rig.served.control
            assert not control.cache.rejections("mse/gw"), f"seed {SEED}, batch {batch}"
            for number in range(HOSTS):
                for host in (f"h{number}.tls.test", f"any.h{number}.tls.test"):
                    with suppress(ssl.SSLError, OSError, NoAnswerError):
                        await site.ask(host)
            assert (await site.ask("usual.test")).status == 200
            listeners = control.cache.snapshot("mse/gw")[TypeUrl.LISTENER]
            assert sorted(listeners) == ["http-80", "https-443", "quic-443"]
            reasons |= {problem.reason for problem in control.problems}
        envoys = site.rig.served.gateways.envoys
        assert [envoy.starts for envoy in envoys.values()] == [1]
    return reasons


def test_envoy_refuses_no_listener(tmp_path: Path) -> None:
    reasons = asyncio.run(_served(tmp_path))
    assert reasons >= {"InvalidAnnotation", "NoChain", "NoAuthorities"}
