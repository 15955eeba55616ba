"""Backends get requests in the declared protocol, and may have self-signed certificates."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest
from aiohttp import web

from fleetgate.demo.http import Address, Question
from tests.e2e.rig import ONE, ask_once, rig
from tests.e2e.speaking import grpc_pod, http_pod, self_made, tls_of
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, service, slice_of

SAID = {"https": "https", "grpc": "kubernetes.io/h2c"}
"""The `appProtocol` of further Services with the same Pods, whose Ingresses have no annotation."""


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Address


async def greet(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"{request.scheme} {request.path}")


async def call(
    message: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]"
) -> AsyncIterator[bytes]:
    for part in message.split():
        yield part
    await context.abort(grpc.StatusCode.NOT_FOUND, "naïve: nothing more")


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    pair = self_made()
    newest = tls_of(pair, root)
    newest.minimum_version = ssl.TLSVersion.TLSv1_3
    oldest = tls_of(pair, root)
    oldest.maximum_version = ssl.TLSVersion.TLSv1_2
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        pods = {
            "http": http_pod(greet),
            "https": http_pod(greet, newest),
            "https-1-2": http_pod(greet, oldest),
            "grpc": grpc_pod(call),
            "grpcs": grpc_pod(call, pair),
        }
        for name, pod in pods.items():
            host, port = await stack.enter_async_context(pod)
            served.declare(
                f"{name}.yaml", service(name), slice_of(name, addresses=[host], port=port), to=ONE
            )
            rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80").of_class("mse")
            protocol = name.removesuffix("-1-2").upper()
            key = "nginx.ingress.kubernetes.io/backend-protocol"
            served.declare(f"{name}-rule.yaml", rule.annotate({key: protocol}))
            if said := SAID.get(name):
                of_port = {"port": 80, "appProtocol": said}
                saying = service(f"{name}-said").with_spec(ports=[of_port])
                pods_of_it = slice_of(f"{name}-said", addresses=[host], port=port)
                served.declare(f"{name}-said.yaml", saying, pods_of_it, to=ONE)
                rule = ingress(f"{name}-said", host=f"{name}-said.test")
                rule = rule.path("/", to=f"{name}-said:80").of_class("mse")
                served.declare(f"{name}-said-rule.yaml", rule)
        yield Site(await served.address())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("http", b"http /a", id="in-clear"),
        pytest.param("https", b"https /a", id="tls-1.3"),
        pytest.param("https-1-2", b"https /a", id="tls-1.2"),
        pytest.param("https-said", b"https /a", id="as-the-port-says"),
    ],
)
def test_http(site: Standing[Site], name: str, body: bytes) -> None:
    answer = site.run(ask_once(site.value.gateway, Question("/a", f"{name}.test")))
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("name", ["grpc", "grpcs", "grpc-said"])
def test_grpc(site: Standing[Site], name: str) -> None:
    """All messages and the trailers reach the client."""

    async def asking() -> tuple[list[object], grpc.StatusCode, str]:
        host, port = site.value.gateway
        options = [("grpc.default_authority", f"{name}.test")]
        async with grpc.aio.insecure_channel(f"{host}:{port}", options) as channel:
            watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
            watch = channel.unary_stream("/shop.Carts/Watch")
            stream = watch(b"one two")
            received = [await stream.read(), await stream.read()]
            return received, await stream.code(), await stream.details()

    expected = ([b"one", b"two"], grpc.StatusCode.NOT_FOUND, "naïve: nothing more")
    assert site.run(asking()) == expected
