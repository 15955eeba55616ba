"""Backends get the client's address in headers, which only trusted proxies can set."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Answer, NoAnswerError
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import ONE, TWO, Rig, rig
from tests.e2e.standing import Standing, standing
from tests.support.builders import alb_class, alb_gateway, ingress, mse_gateway
from tests.support.http2 import ask_http2
from tests.support.raw_http import ask_raw, lines
from translators.dialects.edge_settings import PROXY_PROTOCOL, TRUSTED_PROXIES

PROXY, OTHER = "127.90.0.1", "127.91.0.1"
"""Where connections come from: the one is trusted by gateways that trust anybody."""

BEHIND = "127.90.0.7"
"""A trusted proxy that stands before another one."""

PLAIN, TRUSTING, PROXIED = "plain", "trusting", "proxied"

TRUST = {TRUSTED_PROXIES: "127.90.0.0/24,2001:db8:1::/48"}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    PLAIN: {},
    TRUSTING: TRUST,
    PROXIED: {**TRUST, PROXY_PROTOCOL: "true"},
}

HOST = "web.test:8080"

CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class Site:
    rig: Rig
    web: Backend
    addresses: Mapping[str, Address]


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root, gateway=False))
        web = await stack.enter_async_context(backend("web"))
        served.expose("web", [web])
        for name, settings in SETTINGS.items():
            gateway = mse_gateway(name, members=[ONE, TWO], ingress_class="")
            served.declare(f"{name}.yaml", gateway.annotate(settings))
        served.declare("rule.yaml", ingress("web", host="web.test").path("/", to="web:80"))
        addresses = {name: await served.address(name) for name in SETTINGS}
        yield Site(served, web, addresses)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


def ask(
    site: Standing[Site],
    gateway: str,
    source: str,
    headers: Mapping[str, str] | None = None,
    preface: bytes = b"",
) -> Answer:
    address, head = site.value.addresses[gateway], lines("/", HOST, headers)
    return site.run(ask_raw(address, head, source=source, preface=preface))


def seen(
    site: Standing[Site], gateway: str, source: str, headers: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Return the headers that the backend gets."""
    assert ask(site, gateway, source, headers).status == 200
    return site.value.web.asked[-1].headers


SAID = {
    "x-forwarded-for": "198.51.100.1",
    "x-real-ip": "198.51.100.2",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "evil.test",
    "x-forwarded-port": "444",
    "x-forwarded-scheme": "https",
    "x-scheme": "https",
    "forwarded": "for=198.51.100.3",
    "true-client-ip": "198.51.100.4",
    "x-original-uri": "/evil",
}


@pytest.mark.parametrize("said", [{}, SAID], ids=["nothing-said", "all-said"])
@pytest.mark.parametrize(
    ("gateway", "source"), [(PLAIN, PROXY), (PLAIN, OTHER), (TRUSTING, OTHER), (PROXIED, OTHER)]
)
def test_a_peer_that_is_not_trusted_says_nothing(
    site: Standing[Site], gateway: str, source: str, said: Mapping[str, str]
) -> None:
    headers = seen(site, gateway, source, said)
    assert {name: headers[name] for name in SAID if name in headers} == {
        "x-forwarded-for": source,
        "x-real-ip": source,
        "x-forwarded-proto": "http",
        "x-forwarded-host": HOST,
        "x-forwarded-port": "80",
        "x-forwarded-scheme": "http",
        "x-scheme": "http",
    }


@pytest.mark.parametrize("gateway", [TRUSTING, PROXIED])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            {},
            {
                "x-forwarded-for": PROXY,
                "x-real-ip": PROXY,
                "x-forwarded-proto": "http",
                "x-forwarded-scheme": "http",
                "x-scheme": "http",
                "x-forwarded-host": HOST,
                "x-forwarded-port": None,
            },
            id="nothing",
        ),
        pytest.param(
            {"x-forwarded-for": "203.0.113.7"},
            {"x-forwarded-for": f"203.0.113.7,{PROXY}", "x-real-ip": "203.0.113.7"},
            id="client",
        ),
        pytest.param(
            {"x-forwarded-for": "198.51.100.1, 203.0.113.7"},
            {"x-forwarded-for": f"198.51.100.1, 203.0.113.7,{PROXY}", "x-real-ip": "203.0.113.7"},
            id="client-that-says-something-itself",
        ),
        pytest.param(
            {"x-forwarded-for": f"203.0.113.7, {BEHIND}"},
            {"x-real-ip": "203.0.113.7"},
            id="proxy-before-the-proxy",
        ),
        pytest.param(
            {"x-forwarded-for": "2001:db8::7, 2001:db8:1::1"},
            {"x-real-ip": "2001:db8::7"},
            id="ipv6",
        ),
        pytest.param(
            {"x-forwarded-for": f"{BEHIND}, 127.90.0.8"},
            {"x-real-ip": BEHIND},
            id="nobody-but-proxies",
        ),
        pytest.param({"x-forwarded-for": "unknown"}, {"x-real-ip": PROXY}, id="no-address"),
        pytest.param({"x-real-ip": "203.0.113.7"}, {"x-real-ip": PROXY}, id="real-ip-alone"),
        pytest.param(
            {"x-forwarded-proto": "https"},
            {"x-forwarded-proto": "https", "x-forwarded-scheme": "https", "x-scheme": "https"},
            id="proto",
        ),
        pytest.param(
            {"x-forwarded-scheme": "https"},
            {"x-forwarded-proto": "https", "x-forwarded-scheme": "https", "x-scheme": "https"},
            id="forwarded-scheme",
        ),
        pytest.param(
            {"x-scheme": "https"},
            {"x-forwarded-proto": "https", "x-forwarded-scheme": "https", "x-scheme": "https"},
            id="scheme",
        ),
        pytest.param(
            {"x-forwarded-proto": "https", "x-scheme": "http"},
            {"x-forwarded-proto": "https", "x-forwarded-scheme": "https", "x-scheme": "https"},
            id="proto-beats-scheme",
        ),
        pytest.param(
            {"x-forwarded-host": "shop.example", "x-forwarded-port": "443"},
            {"x-forwarded-host": "shop.example", "x-forwarded-port": "443", "host": HOST},
            id="host-and-port",
        ),
        pytest.param(
            {"forwarded": "for=203.0.113.7", "true-client-ip": "203.0.113.7"},
            {"forwarded": "for=203.0.113.7", "true-client-ip": "203.0.113.7"},
            id="others",
        ),
    ],
)
def test_the_word_of_a_trusted_proxy_counts(
    site: Standing[Site],
    gateway: str,
    said: Mapping[str, str],
    expected: Mapping[str, str | None],
) -> None:
    headers = seen(site, gateway, PROXY, said)
    assert {name: headers.get(name) for name in expected} == expected


ENVOYS_OWN = {
    "x-envoy-retry-on": "5xx",
    "x-envoy-max-retries": "9",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-external-address": "198.51.100.5",
    "x-envoy-decorator-operation": "evil",
    "x-envoy-internal": "true",
    "x-envoy-force-trace": "true",
    "x-envoy-original-path": "/evil",
    "x-envoy-downstream-service-cluster": "evil",
}


@pytest.mark.parametrize(
    ("gateway", "source"), [(PLAIN, OTHER), (TRUSTING, OTHER), (TRUSTING, PROXY), (PROXIED, PROXY)]
)
def test_nobody_says_what_only_envoy_says(site: Standing[Site], gateway: str, source: str) -> None:
    headers = seen(site, gateway, source, ENVOYS_OWN)
    assert not set(headers.values()) & (set(ENVOYS_OWN.values()) - {"1", "9"})
    assert not headers.keys() & (ENVOYS_OWN.keys() - {"x-envoy-external-address"})


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        pytest.param("0f8fad5b-d9cb-469f-a165-70867728950e", True, id="uuid"),
        pytest.param("Root=1-67891233", False, id="no-token"),
        pytest.param("req_01|a.b~c'!", True, id="token"),
        pytest.param("x" * 128, True, id="128-characters"),
        pytest.param("x" * 129, False, id="129-characters"),
        pytest.param("a b", False, id="blank"),
        pytest.param('"a"', False, id="quotes"),
        pytest.param("a,b", False, id="comma"),
        pytest.param("é", False, id="not-ascii"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="none"),
    ],
)
@pytest.mark.parametrize(
    ("gateway", "source"), [(PLAIN, OTHER), (TRUSTING, PROXY)], ids=["other", "proxy"]
)
def test_the_id_of_a_request(
    site: Standing[Site], gateway: str, source: str, came: str | None, kept: bool
) -> None:
    headers = seen(site, gateway, source, {} if came is None else {"x-request-id": came})
    if kept:
        assert headers["x-request-id"] == came
    else:
        assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-request-id"])


def test_the_path_is_put_right_beside_the_id(site: Standing[Site]) -> None:
    head = lines("/%c3%a9?q=%c3", HOST, {"x-request-id": "a b"})
    site.run(ask_raw(site.value.addresses[PLAIN], head, source=OTHER))
    assert site.value.web.asked[-1].path == "/%C3%A9?q=%c3"


# -- PROXY protocol --------------------------------------------------------------------------------


def version_1(client: str) -> bytes:
    family = "TCP6" if ":" in client else "TCP4"
    gateway = "2001:db8::ff" if ":" in client else "192.0.2.255"
    return f"PROXY {family} {client} {gateway} 4711 80\r\n".encode()


def version_2(client: str, *, command: int = 1) -> bytes:
    addresses = ip_address(client).packed + ip_address("192.0.2.255").packed
    head = struct.pack("!BBH", 0x20 | command, 0x11, len(addresses) + 4)
    return b"\r\n\r\n\0\r\nQUIT\n" + head + addresses + struct.pack("!HH", 4711, 80)


NAMED = [
    pytest.param(version_1("203.0.113.7"), "203.0.113.7", id="version-1"),
    pytest.param(version_1("2001:db8::7"), "2001:db8::7", id="version-1-ipv6"),
    pytest.param(b"PROXY UNKNOWN\r\n", PROXY, id="version-1-unknown"),
    pytest.param(version_2("203.0.113.7"), "203.0.113.7", id="version-2"),
    pytest.param(version_2("203.0.113.7", command=0), PROXY, id="version-2-local"),
]


@pytest.mark.parametrize(("preface", "client"), NAMED)
def test_the_proxy_header_of_a_trusted_proxy_names_the_client(
    site: Standing[Site], preface: bytes, client: str
) -> None:
    assert ask(site, PROXIED, PROXY, preface=preface).status == 200
    headers = site.value.web.asked[-1].headers
    assert (headers["x-forwarded-for"], headers["x-real-ip"]) == (client, client)


def test_a_client_behind_a_proxy_header_is_not_trusted(site: Standing[Site]) -> None:
    assert ask(site, PROXIED, PROXY, SAID, version_1("203.0.113.7")).status == 200
    headers = site.value.web.asked[-1].headers
    assert (headers["x-forwarded-for"], headers["x-real-ip"]) == ("203.0.113.7", "203.0.113.7")
    assert headers["x-forwarded-proto"] == "http"
    assert "forwarded" not in headers


def test_a_trusted_proxy_behind_a_proxy_header_is_trusted(site: Standing[Site]) -> None:
    said = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    assert ask(site, PROXIED, PROXY, said, version_1(BEHIND)).status == 200
    headers = site.value.web.asked[-1].headers
    assert (headers["x-real-ip"], headers["x-forwarded-proto"]) == ("203.0.113.9", "https")
    assert headers["x-forwarded-for"] == f"203.0.113.9,{BEHIND}"


@pytest.mark.parametrize(
    "preface",
    [
        pytest.param(version_1("203.0.113.7"), id="version-1"),
        pytest.param(version_1("2001:db8::7"), id="version-1-ipv6"),
        pytest.param(version_2("203.0.113.7"), id="version-2"),
        pytest.param(version_1(PROXY), id="the-address-of-a-trusted-proxy"),
        pytest.param(version_1(OTHER), id="its-own-address"),
        pytest.param(b"PROXY TCP4 x y 1 2\r\n", id="no-addresses"),
    ],
)
def test_the_proxy_header_of_anybody_else_closes_the_connection(
    site: Standing[Site], preface: bytes
) -> None:
    with pytest.raises(NoAnswerError):
        ask(site, PROXIED, OTHER, preface=preface)


@pytest.mark.parametrize(
    "preface", [b"PROXY UNKNOWN\r\n", version_2("203.0.113.7", command=0)], ids=["1", "2"]
)
def test_a_proxy_header_that_names_nobody_says_nothing(
    site: Standing[Site], preface: bytes
) -> None:
    assert ask(site, PROXIED, OTHER, SAID, preface).status == 200
    headers = site.value.web.asked[-1].headers
    assert (headers["x-forwarded-for"], headers["x-real-ip"]) == (OTHER, OTHER)


@pytest.mark.parametrize("gateway", [PLAIN, TRUSTING])
@pytest.mark.parametrize("source", [PROXY, OTHER])
@pytest.mark.parametrize(("preface", "_client"), NAMED)
def test_no_proxy_header_is_read_unless_the_gateway_says_so(
    site: Standing[Site], gateway: str, source: str, preface: bytes, _client: str
) -> None:
    assert ask(site, gateway, source, preface=preface).status == 400


@pytest.mark.parametrize("source", [PROXY, OTHER])
@pytest.mark.parametrize("preface", [b"", version_1("203.0.113.7")], ids=["plain", "header"])
def test_what_comes_byte_by_byte_is_read_as_what_comes_at_once(
    site: Standing[Site], source: str, preface: bytes
) -> None:
    """Many connections run at once, so that Envoy reads the bytes in pieces of different sizes."""
    head = "\r\n".join([*lines("/", HOST), "connection: close", "", ""]).encode()

    async def exchange() -> bytes:
        address, local = site.value.addresses[PROXIED], (source, 0)
        reader, writer = await asyncio.open_connection(*address, local_addr=local)
        try:
            for byte in preface + head:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)
            return await reader.read(12)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def exchanges() -> set[bytes]:
        return set(await asyncio.gather(*(exchange() for _ in range(CONNECTIONS))))

    refused = bool(preface) and source == OTHER
    assert site.run(exchanges()) == {b"" if refused else b"HTTP/1.1 200"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "PROPFIND", "PURGE", "GET"])
def test_a_method_is_told_from_a_proxy_header(site: Standing[Site], method: str) -> None:
    _, *fields = lines("/", HOST)
    head = [f"{method} / HTTP/1.1", *fields, "content-length: 0"]
    answer = site.run(ask_raw(site.value.addresses[PROXIED], head, source=OTHER))
    assert answer.body == b"web"


def test_http_2_is_told_from_a_proxy_header(site: Standing[Site]) -> None:
    fields = [(":authority", HOST)]
    assert site.run(ask_http2(site.value.addresses[PROXIED], fields)).body == b"web"


# -- listeners of an ALB gateway -------------------------------------------------------------------


def test_the_port_is_that_of_the_listener(tmp_path: Path) -> None:
    async def ports() -> Sequence[str]:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            rule = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
            both = {"alb.ingress.kubernetes.io/listen-ports": '[{"HTTP":80},{"HTTP":8001}]'}
            gateway = alb_gateway("gw", members=[ONE, TWO], ports=(80, 8001))
            served.declare("alb.yaml", gateway, alb_class("alb"), rule.annotate(both))
            for place in await served.addresses("alb/gw"):
                await ask_raw(place, lines("/", "web.test"), source=OTHER)
            return [request.headers["x-forwarded-port"] for request in web.asked]

    assert asyncio.run(ports()) == ["80", "8001"]
