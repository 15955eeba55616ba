"""Every protocol of clients reaches every protocol of backends, at a gateway of each flavour.

docs/protocols.md has the table. The Pods speak nothing but their own protocol.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import pytest
from aiohttp import web

from fleetgate.demo.http import Address, Answer, HttpClient, Question, Tls
from tests.e2e.calls import Calls, channel, method
from tests.e2e.rig import ONE, PATIENCE, Rig, ask_once, rig
from tests.e2e.speaking import grpc_server, http_pod, self_made, strict_http2_pod, tls_of
from tests.e2e.standing import Standing, standing
from tests.support.authority import Authority
from tests.support.builders import (
    Builder,
    alb_class,
    alb_gateway,
    ingress,
    mse_gateway,
    secret,
    service,
    slice_of,
)
from tests.support.certificates import tls_data
from tests.support.handshakes import client_context
from tests.support.http2 import ask_http2
from tests.support.http3 import http3_client
from translators.dialects.edge_settings import HTTP3

LISTEN: Final = {"alb.ingress.kubernetes.io/listen-ports": '[{"HTTP":80},{"HTTPS":443}]'}
BACKENDS: Final = ("http", "https", "http2", "grpc", "grpcs")


@dataclass(frozen=True, slots=True)
class Site:
    flavour: str
    rig: Rig
    http: Address
    https: Address
    authority: Authority

    async def ask(self, client: str, name: str) -> Answer:
        """Send a GET for `/a` to the host of a backend."""
        host = f"{name}.test"
        match client:
            case "http/1.1":
                return await ask_once(self.http, Question("/a", host))
            case "http/2":
                return await ask_http2(self.http, self._fields(host))
            case "https, http/1.1":
                return await self._over_tls(host)
            case "https, http/2":
                context = client_context(self.authority, "h2", checks=False)
                return await ask_http2(self.https, self._fields(host), Tls(context, host))
            case _:
                async with http3_client(self.https, host, self.authority) as by_quic:
                    return await by_quic.ask(host, "/a")

    async def _over_tls(self, host: str) -> Answer:
        tls = Tls(client_context(self.authority, "http/1.1", checks=False), host)
        client = HttpClient(self.https, Question("/a", host), PATIENCE, tls)
        try:
            return await client.ask()
        finally:
            client.close()

    @property
    def key(self) -> str:
        """The annotation with the protocol of backends."""
        return f"{self.flavour}.ingress.kubernetes.io/backend-protocol"

    def declare(self, name: str, to: str, protocol: str) -> None:
        """Declare an Ingress for a host that clients reach in clear text and over TLS."""
        host = f"{name}.test"
        rule = ingress(name, host=host).path("/", to=f"{to}:80").of_class(self.flavour)
        rule = rule.annotate({self.key: protocol})
        served = rule.annotate(LISTEN) if self.flavour == "alb" else rule.tls("shown", host)
        self.rig.declare(f"{name}-rule.yaml", served)

    @staticmethod
    def _fields(host: str) -> list[tuple[str, str]]:
        return [(":authority", host), (":path", "/a")]

    @asynccontextmanager
    async def channel(self, client: str, host: str) -> AsyncIterator[grpc.aio.Channel]:
        """Connect a client of gRPC."""
        if client == "grpc":
            async with channel(self.http, host) as made:
                yield made
            return
        credentials = grpc.ssl_channel_credentials(self.authority.certificate)
        names = [("grpc.default_authority", host), ("grpc.ssl_target_name_override", host)]
        target = "{}:{}".format(*self.https)
        async with grpc.aio.secure_channel(target, credentials, names) as made:
            yield made


async def greet(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"{request.scheme} {request.path}")


def gateway_of(flavour: str) -> tuple[Builder[Any], ...]:
    """Make a gateway that takes HTTP, HTTPS and QUIC."""
    if flavour == "mse":
        return (mse_gateway("gw", members=[ONE]).annotate({HTTP3: "true"}),)
    secure = {"port": 443, "certificates": [{"CertificateId": "default/shown"}]}
    listeners = (
        {"port": 80, "protocol": "HTTP"},
        {**secure, "protocol": "HTTPS"},
        {**secure, "protocol": "QUIC"},
    )
    return alb_gateway("gw", members=[ONE], listeners=listeners), alb_class("alb")


@asynccontextmanager
async def running_site(root: Path, flavour: str) -> AsyncIterator[Site]:
    pair, authority = self_made(), Authority.make("clients trust it")
    hosts = [f"{name}.test" for name in BACKENDS]
    shown = secret("shown", tls_data(authority.issue(hosts[0], addresses=[], names=hosts)))
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root, gateway=False))
        served.declare("gateway.yaml", *gateway_of(flavour), shown)
        http, https = await served.addresses(f"{flavour}/gw")
        site = Site(flavour, served, http, https, authority)
        pods = {
            "http": http_pod(greet),
            "https": http_pod(greet, tls_of(pair, root)),
            "http2": strict_http2_pod(),
            "grpc": grpc_server(Calls()),
            "grpcs": grpc_server(Calls(), pair),
        }
        for name, pod in pods.items():
            host, port = await stack.enter_async_context(pod)
            endpoints = slice_of(name, addresses=[host], port=port)
            served.declare(f"{name}.yaml", service(name), endpoints, to=ONE)
            site.declare(name, name, name)
        await served.sync()
        yield site


@pytest.fixture(scope="module", params=["alb", "mse"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"), request.param)) as site:
        yield site


@pytest.mark.parametrize(
    "client", ["http/1.1", "http/2", "https, http/1.1", "https, http/2", "quic"]
)
@pytest.mark.parametrize(
    ("backend", "body"),
    [
        pytest.param("http", b"http /a", id="to-http"),
        pytest.param("https", b"https /a", id="to-https"),
        pytest.param("http2", b"", id="to-http2"),
    ],
)
def test_http(site: Standing[Site], client: str, backend: str, body: bytes) -> None:
    answer = site.run(site.value.ask(client, backend))
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("client", ["grpc", "grpcs"])
@pytest.mark.parametrize("backend", ["grpc", "grpcs"])
def test_grpc(site: Standing[Site], client: str, backend: str) -> None:
    """A unary call with metadata and trailers, and a stream each way."""

    async def asking() -> tuple[bytes, Any, list[bytes]]:
        async with site.value.channel(client, f"{backend}.test") as to:
            call = method(to.unary_unary, "Echo")(b"hello")
            answer = await call
            last = dict(await call.trailing_metadata())
            talk = method(to.stream_stream, "Talk")()
            heard = []
            for word in (b"one", b"two"):
                await talk.write(word)
                heard.append(await talk.read())
            await talk.done_writing()
            assert await talk.code() is grpc.StatusCode.OK
            return answer, last["x-last-bin"], heard

    assert site.run(asking()) == (b"hello", b"\x00\xff", [b"ONE", b"TWO"])


@pytest.mark.parametrize("backend", ["grpc", "grpcs"])
def test_grpc_over_quic(site: Standing[Site], backend: str) -> None:
    headers = {"content-type": "application/grpc", "te": "trailers"}
    message = b"\0" + (5).to_bytes(4) + b"hello"

    async def asking() -> Answer:
        host = f"{backend}.test"
        async with http3_client(site.value.https, host, site.value.authority) as client:
            return await client.ask(host, "/test.Calls/Echo", headers, message)

    answer = site.run(asking())
    assert (answer.headers["grpc-status"], answer.body) == ("0", message)


@pytest.mark.parametrize("asked", ["quic", "http3"])
def test_quic_to_backends_is_reported_and_they_are_asked_by_http(
    site: Standing[Site], asked: str
) -> None:
    site.value.declare("wish", "http", asked)

    async def asking() -> tuple[Answer, list[tuple[str, str]]]:
        await site.value.rig.sync()
        found = site.value.rig.served.control.problems
        told = [(each.key, each.expected) for each in found if each.at.name == "wish"]
        return await ask_once(site.value.http, Question("/a", "wish.test")), told

    answer, told = site.run(asking())
    assert (answer.status, answer.body) == (200, b"http /a")
    assert (site.value.key, "HTTP, HTTP2, GRPC, HTTPS or GRPCS") in told
