"""Connections can change to WebSocket and SPDY, and requests for other protocols are ignored.

kubectl uses SPDY for `exec` and `port-forward`, also to a cluster behind GitLab's or Rancher's
proxy.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetgate.demo.http import Address, Question
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import ONE, ask_once, rig
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, service, slice_of
from tests.support.serving import serving


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Address
    web: Backend


async def changing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Change to the requested protocol, and echo all bytes."""
    with closing(writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        wish = next(line for line in head.split("\r\n") if line.lower().startswith("upgrade:"))
        writer.write(f"HTTP/1.1 101 Changed\r\nconnection: upgrade\r\n{wish}\r\n\r\n".encode())
        while data := await reader.read(1024):
            writer.write(data)


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        web = await stack.enter_async_context(backend("web"))
        served.expose("web", [web])
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        await stack.enter_async_context(serving(listener, changing))
        host, port = listener.getsockname()
        pods = slice_of("exec", addresses=[host], port=port)
        served.declare("exec.yaml", service("exec"), pods, to=ONE)
        rules = ingress("rules", host="web.test").path("/", to="web:80").path("/exec", to="exec:80")
        served.declare("rules.yaml", rules.of_class("mse"))
        yield Site(await served.address(), web)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.mark.parametrize("protocol", ["websocket", "WebSocket", "SPDY/3.1", "spdy/3.1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_changes_its_protocol(
    site: Standing[Site], method: str, protocol: str
) -> None:
    async def talking() -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection(*site.value.gateway)
        with closing(writer):
            head = f"{method} /exec HTTP/1.1\r\nhost: web.test\r\nconnection: upgrade\r\n"
            writer.write(f"{head}upgrade: {protocol}\r\n\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"\x80\x03\x00\x01")
            return answer[:12], await reader.readexactly(4)

    assert site.run(talking()) == (b"HTTP/1.1 101", b"\x80\x03\x00\x01")


@pytest.mark.parametrize(
    "protocol",
    [
        pytest.param("TLS/1.2", id="apache-http-client"),
        pytest.param("TLS/1.3, TLS/1.2", id="two-of-them"),
        pytest.param("h2c", id="curl"),
        pytest.param("h2,h2c", id="apache-httpd"),
        pytest.param("tcp", id="another"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_wish_is_ignored(site: Standing[Site], method: str, protocol: str) -> None:
    """RFC 9110 section 7.8 allows it, and clients that offer TLS in every request expect it."""
    headers = {"connection": "upgrade", "upgrade": protocol}
    question = Question("/", "web.test", headers, method, b"body" if method == "POST" else b"")
    answer = site.run(ask_once(site.value.gateway, question))
    assert (answer.status, answer.body) == (200, b"web")
    assert "upgrade" not in site.value.web.asked[-1].headers
