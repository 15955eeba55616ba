"""Listeners of an AlbConfig, each with settings of its own, as clients and Pods see them."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.http import Address, HttpClient, Question, Tls
from tests.e2e.backends import Backend, Manner, backend
from tests.e2e.rig import ONE, PATIENCE, Rig, ask_once, rig
from tests.e2e.showing import authorities
from tests.e2e.standing import Standing, standing
from tests.support.authority import Authority, Pair
from tests.support.builders import Builder, IngressBuilder, alb_class, alb_gateway, ingress, secret
from tests.support.certificates import tls_data
from tests.support.handshakes import client_context, handshake
from tests.support.http3 import http3_client
from tests.support.raw_http import ask_raw, lines
from translators.dialects.edge_settings import TRUSTED_PROXIES

GATEWAY = "alb/gw"
LISTEN = "alb.ingress.kubernetes.io/listen-ports"
BOTH = '[{"HTTP":80},{"HTTPS":443}]'
PLAIN: Mapping[str, object] = {"port": 80, "protocol": "HTTP"}
SECURE = '[{"HTTPS":443}]'
ACTIONS = "alb.ingress.kubernetes.io/actions."
SSL_REDIRECT = "alb.ingress.kubernetes.io/ssl-redirect"
MOVED = '[{"type":"Redirect","redirectConfig":{"host":"new.test","query":"x=1"}}]'
CLOSED = '[{"type":"FixedResponse","fixedResponseConfig":{"httpCode":"410","content":"closed"}}]'
LONG = "text " * 1000
PROXY = "127.90.0.1"
"""An address that the gateway trusts where a test says so."""


@dataclass(slots=True)
class Site:
    """A gateway with a listener for HTTP, one for HTTPS, and one for QUIC at the same port."""

    rig: Rig
    authority: Authority
    ours: Authority
    pod: Backend

    async def declare(
        self,
        http: Mapping[str, object] | None = None,
        https: Mapping[str, object] | None = None,
        quic: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, str] | None = None,
    ) -> tuple[Address, Address]:
        """Declare the settings of the listeners, and return the addresses of the first two.

        `settings` are annotations of the gateway.
        """
        certificates = [{"CertificateId": "edge/default"}, {"CertificateId": "edge/named"}]
        secure = {"port": 443, "certificates": certificates}
        listeners = (
            {**PLAIN, **(http or {})},
            {**secure, "protocol": "HTTPS", **(https or {})},
            {**secure, "protocol": "QUIC", **(quic or {})},
        )
        made = alb_gateway("gw", members=[ONE], listeners=listeners)
        named = made.annotate(settings or {})
        self.rig.declare("gateway.yaml", named, alb_class("alb", gateway="gw"))
        first, second, *_ = await self.rig.addresses(GATEWAY)
        return first, second

    def others(self) -> tuple[Builder[Any], ...]:
        """Make the Secrets beside that of the default certificate."""
        named = self.certificate("named", "named.test", "*.wild.test")
        return named.in_namespace("edge"), authorities("ca", self.ours).in_namespace("edge")

    def certificate(self, name: str, *names: str) -> Builder[Any]:
        pair = self.authority.issue(names[0], addresses=[], names=names)
        return secret(name, tls_data(pair))

    async def ask(
        self, address: Address, host: str = "web.test", headers: Mapping[str, str] | None = None
    ) -> Any:  # noqa: ANN401 (an Answer, whose fields each test reads)
        """Send a request over HTTPS."""
        client = self.client(address, Question("/", host, headers))
        try:
            return await client.ask()
        finally:
            client.close()

    def client(
        self, address: Address, question: Question, context: ssl.SSLContext | None = None
    ) -> HttpClient:
        """Make a client for HTTPS that keeps its connection."""
        tls = Tls(context or client_context(self.authority, checks=False), question.host)
        return HttpClient(address, question, PATIENCE, tls)


def rule(host: str = "web.test", to: str = "web:80") -> IngressBuilder:
    name = host.partition(".")[0]
    return ingress(name, host=host).path("/", to=to).of_class("alb")


@asynccontextmanager
async def served(root: Path) -> AsyncIterator[Site]:
    async with rig(root, gateway=False) as made, backend("web") as pod:
        site = Site(made, Authority.make("clients trust it"), Authority.make("ours"), pod)
        made.expose("web", [pod])
        made.declare(
            "secrets.yaml",
            site.certificate("default", "default.test").in_namespace("edge"),
            *site.others(),
        )
        made.declare(
            "rules.yaml",
            rule().annotate({LISTEN: BOTH}),
            rule("tls.test").tls("own", "tls.test"),
            rule("named.test").annotate({LISTEN: BOTH}),
            rule("any.wild.test").annotate({LISTEN: BOTH}),
            rule("moved.test", to="away:use-annotation").annotate(
                {LISTEN: BOTH, ACTIONS + "away": MOVED}
            ),
            rule("answered.test", to="closed:use-annotation").annotate(
                {LISTEN: SECURE, SSL_REDIRECT: "true", ACTIONS + "closed": CLOSED}
            ),
            site.certificate("own", "tls.test"),
        )
        await site.declare()
        yield site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(served(tmp_path_factory.mktemp("listeners"))) as site:
        yield site


@pytest.fixture(autouse=True)
def _usual_pod(site: Standing[Site]) -> None:
    site.value.pod.headers = ()
    site.value.pod.name = "web"
    site.value.pod.manner = Manner.ANSWER


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("tls.test", "tls.test", id="of-its-ingress"),
        pytest.param("named.test", "named.test", id="of-its-listener"),
        pytest.param("any.wild.test", "named.test", id="of-its-listener-by-wildcard"),
        pytest.param("web.test", "default.test", id="default"),
        pytest.param("unknown.test", "default.test", id="unknown"),
        pytest.param(None, "default.test", id="without-a-name"),
    ],
)
def test_the_certificate_of_a_name(site: Standing[Site], name: str | None, shown: str) -> None:
    async def scenario() -> str:
        _, https = await site.value.declare()
        context = client_context(site.value.authority, checks=False)
        return (await handshake(https, name, context)).name

    assert site.run(scenario()) == shown


def test_hosts_of_spec_tls_are_served_on_443_alone(site: Standing[Site]) -> None:
    async def scenario() -> list[int]:
        http, https = await site.value.declare()
        hosts = ("tls.test", "web.test")
        in_clear = [(await ask_once(http, Question("/", host))).status for host in hosts]
        return [*in_clear, *[(await site.value.ask(https, host)).status for host in hosts]]

    assert site.run(scenario()) == [404, 200, 200, 200]


@pytest.mark.parametrize(
    ("enabled", "alpn"),
    [pytest.param(True, "h2", id="on"), pytest.param(False, "http/1.1", id="off")],
)
def test_http2(site: Standing[Site], *, enabled: bool, alpn: str) -> None:
    async def scenario() -> str:
        _, https = await site.value.declare(https={"http2Enabled": enabled})
        context = client_context(site.value.authority, "h2", "http/1.1", checks=False)
        return (await handshake(https, "web.test", context)).alpn

    assert site.run(scenario()) == alpn


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    ("policy", "is_taken"),
    [
        pytest.param("tls_cipher_policy_1_1", True, id="1.1"),
        pytest.param("tls_cipher_policy_1_2", False, id="1.2"),
    ],
)
def test_a_client_of_tls_1_1(site: Standing[Site], policy: str, *, is_taken: bool) -> None:
    async def scenario() -> bool:
        _, https = await site.value.declare(https={"securityPolicyId": policy})
        context = client_context(site.value.authority, checks=False)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            await handshake(https, "tls.test", context)
        except (ssl.SSLError, ConnectionError):
            return False
        return True

    assert site.run(scenario()) is is_taken


@pytest.mark.parametrize(
    ("acl", "status"),
    [
        pytest.param({"aclType": "White", "aclEntries": ["192.0.2.1"]}, 403, id="not-allowed"),
        pytest.param({"aclType": "White", "aclEntries": ["127.0.0.0/8"]}, 200, id="allowed"),
        pytest.param({"aclType": "Black", "aclEntries": ["127.0.0.0/8"]}, 403, id="denied"),
        pytest.param({"aclType": "Black", "aclEntries": ["192.0.2.1"]}, 200, id="not-denied"),
        pytest.param({"aclType": "White", "aclEntries": ["nobody"]}, 403, id="nobody"),
    ],
)
@pytest.mark.parametrize("host", ["web.test", "WEB.test", "any.wild.test"])
def test_an_access_list_is_of_one_listener(
    site: Standing[Site], acl: dict[str, object], status: int, host: str
) -> None:
    async def scenario() -> tuple[int, int]:
        http, https = await site.value.declare(http={"aclConfig": acl})
        in_clear = await ask_once(http, Question("/", host))
        return in_clear.status, (await site.value.ask(https, host)).status

    assert site.run(scenario()) == (status, 200)


def test_an_access_list_keeps_unknown_hosts_to_itself(site: Standing[Site]) -> None:
    async def scenario() -> list[int]:
        denied = {"aclConfig": {"aclType": "Black", "aclEntries": ["127.0.0.1"]}}
        http, _ = await site.value.declare(http=denied)
        found = [(await ask_once(http, Question("/", "unknown.test"))).status]
        http, _ = await site.value.declare()
        return [*found, (await ask_once(http, Question("/", "unknown.test"))).status]

    assert site.run(scenario()) == [403, 404]


def test_a_changed_access_list_holds_on_open_connections_and_ends_none(
    site: Standing[Site],
) -> None:
    async def scenario() -> tuple[list[int], bool]:
        http, _ = await site.value.declare()
        client = HttpClient(http, Question("/", "web.test"), PATIENCE)
        statuses, is_open = [(await client.ask()).status], []
        for kind in ("Black", "White", "Black"):
            await site.value.declare(
                http={"aclConfig": {"aclType": kind, "aclEntries": ["127.0.0.0/8"]}}
            )
            is_open.append(client.is_open)
            statuses.append((await client.ask()).status)
        client.close()
        return statuses, all(is_open)

    assert site.run(scenario()) == ([200, 403, 200, 403], True)


def test_a_setting_of_one_listener_leaves_the_connections_of_others_alone(
    site: Standing[Site],
) -> None:
    async def scenario() -> list[Mapping[str, str]]:
        http, _ = await site.value.declare(http={"idleTimeout": 600})
        client = HttpClient(http, Question("/", "web.test"), PATIENCE)
        answers = [await client.ask()]
        for https in ({"idleTimeout": 30}, {"gzipEnabled": False}, {"http2Enabled": False}):
            await site.value.declare(http={"idleTimeout": 600}, https=https)
            assert client.is_open
            answers.append(await client.ask())
        client.close()
        return [answer.headers for answer in answers]

    assert all("connection" not in headers for headers in site.run(scenario()))


def test_a_request_without_an_answer_ends_with_504(site: Standing[Site]) -> None:
    async def scenario() -> tuple[int, int]:
        http, https = await site.value.declare({"requestTimeout": 1}, {"requestTimeout": 2})
        site.value.pod.manner = Manner.SILENT
        in_clear = await ask_once(http, Question("/", "web.test"))
        return in_clear.status, (await site.value.ask(https)).status

    assert site.run(scenario()) == (504, 504)


def test_an_idle_connection_is_closed(site: Standing[Site]) -> None:
    async def scenario() -> bytes:
        http, _ = await site.value.declare(http={"idleTimeout": 1})
        reader, writer = await asyncio.open_connection(*http)
        writer.write(Question("/", "web.test").encode())
        async with asyncio.timeout(PATIENCE.total_seconds()):  # far less than an hour
            answer = await reader.read()
        writer.close()
        return answer

    assert site.run(scenario()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("listener", "headers", "content", "body", "encoding"),
    [
        pytest.param({}, {"accept-encoding": "gzip"}, "text/plain", LONG, "gzip", id="text"),
        pytest.param({}, {}, "text/plain", LONG, None, id="not-accepted"),
        pytest.param({}, {"accept-encoding": "gzip"}, "text/plain", "short", None, id="short"),
        pytest.param({}, {"accept-encoding": "gzip"}, "image/png", LONG, None, id="image"),
        pytest.param(
            {"gzipEnabled": False}, {"accept-encoding": "gzip"}, "text/plain", LONG, None, id="off"
        ),
    ],
)
def test_compression(
    site: Standing[Site],
    listener: dict[str, object],
    headers: dict[str, str],
    content: str,
    body: str,
    encoding: str | None,
) -> None:
    async def scenario() -> Any:  # noqa: ANN401 (an Answer)
        http, _ = await site.value.declare(http=listener)
        site.value.pod.name = body
        site.value.pod.headers = (("content-type", content), ("etag", '"one"'))
        return await ask_once(http, Question("/", "web.test", headers))

    answer = site.run(scenario())
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["etag"] == ('W/"one"' if encoding else '"one"')
    plain = gzip.decompress(answer.body) if encoding else answer.body
    assert plain.decode() == body


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        pytest.param({}, {"proto": "http", "port": "80"}, id="absent"),
        pytest.param({"XForwardedForProtoEnabled": False}, {"port": "80"}, id="no-proto"),
        pytest.param({"XForwardedForSLBPortEnabled": False}, {"proto": "http"}, id="no-port"),
    ],
)
def test_forwarded_headers(
    site: Standing[Site], config: dict[str, object], sent: dict[str, str]
) -> None:
    spoofed = {f"x-forwarded-{name}": "spoofed" for name in ("proto", "port", "client-port")}

    async def scenario() -> Mapping[str, str]:
        http, _ = await site.value.declare(http={"xForwardedForConfig": config})
        await ask_once(http, Question("/", "web.test", spoofed))
        return site.value.pod.asked[-1].headers

    headers = site.run(scenario())
    names = ("proto", "port", "client-port")
    found = {n: headers[f"x-forwarded-{n}"] for n in names if f"x-forwarded-{n}" in headers}
    assert found == sent
    assert headers["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "hidden"])
def test_a_redirect_names_the_clients_scheme_whatever_pods_are_told(
    site: Standing[Site], sent: bool
) -> None:
    config = {"xForwardedForConfig": {"XForwardedForProtoEnabled": sent}}
    trust = {TRUSTED_PROXIES: f"{PROXY}/32"}
    by_proxy = lines("/p?a=1", "moved.test", {"x-forwarded-proto": "https"})

    async def scenario() -> list[str]:
        http, https = await site.value.declare(http=config, https=config, settings=trust)
        answers = [
            await ask_raw(http, lines("/p?a=1", "moved.test"), source="127.0.0.1"),
            await ask_raw(http, by_proxy, source="127.0.0.1"),
            await ask_raw(http, lines("/p?a=1", "moved.test"), source=PROXY),
            await ask_raw(http, by_proxy, source=PROXY),
            await site.value.ask(https, "moved.test"),
        ]
        assert [answer.status for answer in answers] == [301] * 5
        return [answer.headers["location"] for answer in answers]

    assert site.run(scenario()) == [
        "http://new.test/p?x=1",
        "http://new.test/p?x=1",
        "http://new.test/p?x=1",
        "https://new.test/p?x=1",
        "https://new.test/?x=1",
    ]


@pytest.mark.parametrize("told", [True, False], ids=["sent", "hidden"])
def test_a_path_that_the_gateway_answers_is_redirected_to_https(
    site: Standing[Site], told: bool
) -> None:
    config = {"xForwardedForConfig": {"XForwardedForProtoEnabled": told}}

    async def scenario() -> tuple[int, str, int]:
        http, https = await site.value.declare(http=config, https=config)
        sent = await ask_once(http, Question("/p?a=1", "answered.test"))
        answered = await site.value.ask(https, "answered.test")
        return sent.status, sent.headers["location"], answered.status

    assert site.run(scenario()) == (308, "https://answered.test/p?a=1", 410)


def test_the_clients_port_is_that_of_its_connection(site: Standing[Site]) -> None:
    async def scenario() -> tuple[str, str]:
        config = {"XForwardedForClientSrcPortEnabled": True}
        http, _ = await site.value.declare(http={"xForwardedForConfig": config})
        reader, writer = await asyncio.open_connection(*http)
        writer.write(Question("/", "web.test", {"x-forwarded-client-port": "1"}).encode())
        await reader.readuntil(b"\r\n\r\n")
        port = writer.get_extra_info("sockname")[1]
        writer.close()
        return str(port), site.value.pod.asked[-1].headers["x-forwarded-client-port"]

    own, told = site.run(scenario())
    assert told == own


@pytest.mark.parametrize(
    ("shows", "status"),
    [
        pytest.param("ours", 200, id="good"),
        pytest.param("theirs", 400, id="of-another-authority"),
        pytest.param("", 400, id="none"),
    ],
)
def test_a_listener_asks_for_client_certificates(
    site: Standing[Site], tmp_path: Path, shows: str, status: int
) -> None:
    signs = {"ours": site.value.ours, "theirs": Authority.make("ours")}

    async def scenario() -> tuple[int, int]:
        asks = {"caEnabled": True, "caCertificates": [{"CertificateId": "edge/ca"}]}
        http, https = await site.value.declare(https=asks)
        context = client_context(site.value.authority, checks=False)
        if shows:
            pair: Pair = signs[shows].issue("alice", addresses=[], names=["alice"])
            shown = tmp_path / "shown.pem"
            shown.write_bytes(pair.certificate + pair.key)
            context.load_cert_chain(shown)
        client = site.value.client(https, Question("/", "web.test"), context)
        answer = await client.ask()
        client.close()
        return answer.status, (await ask_once(http, Question("/", "web.test"))).status

    assert site.run(scenario()) == (status, 200)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        pytest.param("named.test", "named.test", id="of-its-listener"),
        pytest.param("tls.test", "tls.test", id="of-its-ingress"),
    ],
)
def test_a_listener_for_quic_serves_the_hosts_of_https(
    site: Standing[Site], host: str, shown: str
) -> None:
    async def scenario() -> tuple[str, int, bytes]:
        _, https = await site.value.declare()
        async with http3_client(https, host, site.value.authority) as client:
            answer = await client.ask(host)
            return client.certificate, answer.status, answer.body

    assert site.run(scenario()) == (shown, 200, b"web")


def test_the_access_list_of_quic_is_of_quic_alone(site: Standing[Site]) -> None:
    async def scenario() -> list[int]:
        acl = {"aclType": "Black", "aclEntries": ["127.0.0.0/8"]}
        _, https = await site.value.declare(quic={"aclConfig": acl})
        async with http3_client(https, "named.test", site.value.authority) as client:
            by_quic = await client.ask("named.test")
            over_tls = await site.value.ask(https, "named.test")
            await site.value.declare()
            again = await client.ask("named.test")
        return [by_quic.status, over_tls.status, again.status]

    assert site.run(scenario()) == [403, 200, 200]


def test_rotated_certificates_are_shown_at_once(site: Standing[Site]) -> None:
    async def scenario() -> list[str]:
        _, https = await site.value.declare()
        context = client_context(site.value.authority, checks=False)
        shown = []
        for name in ("second.test", "default.test"):
            made = site.value.certificate("default", name).in_namespace("edge")
            site.value.rig.declare("secrets.yaml", made, *site.value.others())
            await site.value.rig.sync()
            shown.append((await handshake(https, "web.test", context)).name)
        return shown

    assert site.run(scenario()) == ["second.test", "default.test"]


@pytest.mark.parametrize("told", [True, False], ids=["on", "off"])
def test_clients_of_https_are_told_of_http3(site: Standing[Site], *, told: bool) -> None:
    async def scenario() -> Mapping[str, str]:
        _, https = await site.value.declare(https={"quicConfig": {"quicUpgradeEnabled": told}})
        headers: Mapping[str, str] = (await site.value.ask(https)).headers
        return headers

    assert ("alt-svc" in site.run(scenario())) is told
