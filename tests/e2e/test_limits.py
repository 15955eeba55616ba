"""Limits of a gateway for requests and clients: number of headers, slow and silent clients."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, NoAnswerError, Question
from tests.e2e.backends import Backend, Manner, backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, gateway_ref, rig
from tests.e2e.scripted import Script, Step, Until, scripted_pods
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.http2 import ask_http2

LARGE = 130_000
"""Bytes of an answer that are too many for a slow client's kernel, and few enough for Envoy."""

HOST = "web.test"


@dataclass(frozen=True, slots=True)
class Site:
    rig: Rig
    address: Address
    web: Backend


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        web = await stack.enter_async_context(backend("web"))
        large = await stack.enter_async_context(backend("x" * LARGE))
        served.expose("web", [web])
        served.expose("large", [large])
        rules = ingress("rules", host=HOST).path("/", to="web:80").path("/large", to="large:80")
        served.declare("rules.yaml", rules.of_class("mse"))
        yield Site(served, await served.address(), web)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        pytest.param([("cookie", f"c{n}=v") for n in range(97)], 200, id="97-cookies"),
        pytest.param([(f"x-h{n}", "v") for n in range(190)], 200, id="190-headers"),
        pytest.param([(f"x-h{n}", "v") for n in range(201)], 431, id="201-headers"),
        pytest.param([("x-large", "v" * 50_000)], 200, id="50-KB"),
        pytest.param([("x-large", "v" * 62_000)], 431, id="62-KB"),
    ],
)
def test_a_request_may_have_many_headers(
    site: Standing[Site], extra: list[tuple[str, str]], status: int
) -> None:
    """With too many headers, HTTP/1 gets an error status, and HTTP/2 a reset of the stream."""

    async def by_http2() -> int:
        try:
            return (await ask_http2(site.value.address, [(":authority", HOST), *extra])).status
        except NoAnswerError:
            return 431

    async def by_http1() -> int:
        return (await ask_once(site.value.address, Question("/", HOST, dict(extra)))).status

    assert (site.run(by_http1()), site.run(by_http2())) == (status, status)


@pytest.mark.parametrize(("headers", "status"), [(99, 200), (190, 200), (201, 502)])
def test_an_answer_may_have_many_headers(site: Standing[Site], headers: int, status: int) -> None:
    fields = "".join(f"x-h{n}: v\r\n" for n in range(headers - 1))
    answer = f"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{fields}\r\n".encode()

    async def scenario() -> int:
        served = site.value.rig
        async with scripted_pods(Script((Step(Until.END, answer),)), pods=1) as pods:
            (place,) = pods.addresses
            slices = slice_of("many", addresses=[place[0]], port=place[1])
            served.declare("many.yaml", service("many"), slices, to=ONE)
            rule = ingress("many", host="many.test").path("/", to="many:80").of_class("mse")
            served.declare("many-rule.yaml", rule)
            return (await ask_once(await served.address(), Question("/", "many.test"))).status

    assert site.run(scenario()) == status


def test_cookies_that_come_one_by_one_reach_the_backend_as_one_header(
    site: Standing[Site],
) -> None:
    crumbs = [("cookie", f"c{n}=v") for n in range(97)]
    site.run(ask_http2(site.value.address, [(":authority", HOST), *crumbs]))
    assert site.value.web.asked[-1].headers["cookie"] == "; ".join(f"c{n}=v" for n in range(97))


@pytest.mark.parametrize("name", ["user_id", "X_Stage", "x-forwarded_for"])
def test_a_header_with_an_underscore_is_dropped(site: Standing[Site], name: str) -> None:
    async def asking() -> list[int]:
        address, headers = site.value.address, {name: "1", "x-kept": "1"}
        fields = [(":authority", HOST), (name.lower(), "1"), ("x-kept", "1")]
        one = await ask_once(address, Question("/", HOST, headers))
        return [one.status, (await ask_http2(address, fields)).status]

    assert site.run(asking()) == [200, 200]
    for request in site.value.web.asked[-2:]:
        assert "x-kept" in request.headers
        assert not any("_" in header for header in request.headers)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(f"GET /large HTTP/1.0\r\nhost: {HOST}", id="http-1.0"),
        pytest.param(f"GET /large HTTP/1.1\r\nhost: {HOST}\r\nconnection: close", id="close"),
    ],
)
def test_a_client_that_pauses_gets_all_of_its_last_answer(site: Standing[Site], head: str) -> None:
    """The connection ends with this answer, most of which is still in Envoy's buffers."""

    async def exchange() -> bytes:
        loop = asyncio.get_running_loop()
        with slow_reader(site.value.address) as client:
            await loop.sock_sendall(client, f"{head}\r\n\r\n".encode())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2.5):
                    await cut(site.value.rig)
            received = b""
            while data := await loop.sock_recv(client, 65536):
                received += data
            return received

    assert site.run(exchange()).endswith(b"x" * LARGE)


def slow_reader(address: Address) -> socket.socket:
    """Make a client with small kernel buffers. Small segments keep Envoy's buffer small too."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.connect(address)
    client.setblocking(False)
    return client


async def cut(served: Rig) -> None:
    """Return when Envoy has closed a connection whose client did not read to the end."""
    envoy = served.served.gateways.envoys[gateway_ref()]
    counter = "http.http-80.downstream_cx_delayed_close_timeout"
    before = await envoy.get(f"/stats?filter={counter}")
    while await envoy.get(f"/stats?filter={counter}") == before:  # noqa: ASYNC110 (there is no event to wait for)
        await asyncio.sleep(0.05)


def test_a_silent_request_ends_after_the_time_that_the_gateway_says(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path) as served, backend("web", manner=Manner.SILENT) as web:
            served.expose("web", [web])
            gateway = mse_gateway("gw", members=[ONE, TWO])
            setting = {"fleetgate.dev/stream-idle-timeout": "1s"}
            rule = ingress("web", host=HOST).path("/", to="web:80").of_class("mse")
            served.declare("gateway.yaml", gateway.annotate(setting), rule)
            answer = await ask_once(await served.address(), Question("/", HOST))
            assert (answer.status, answer.body) == (504, b"stream timeout")
            assert len(web.asked) == 1

    asyncio.run(scenario())
