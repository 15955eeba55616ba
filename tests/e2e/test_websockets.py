"""WebSocket over each protocol that has it, of clients and of backends.

With HTTP/2, a WebSocket is a stream of an extended CONNECT (RFC 8441). The tests send bytes that
the backend echoes; Envoy does not look into the frames.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, ResponseReceived, StreamReset
from h2.settings import SettingCodes

from fleetgate.demo.http import Address
from tests.e2e.rig import ONE, rig
from tests.e2e.speaking import self_made, tls_of
from tests.e2e.standing import Standing, standing
from tests.support.builders import ingress, service, slice_of
from tests.support.serving import Serve

FRAME = b"\x82\x05hello"
WISH = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}
KEY = "nginx.ingress.kubernetes.io/backend-protocol"
SAID = "ws"
"""A Service whose port says its protocol, and whose Ingress has no annotation."""


@dataclass(frozen=True, slots=True)
class Site:
    gateway: Address


# -- backends --------------------------------------------------------------------------------------


async def by_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Change to WebSocket, and echo all bytes."""
    with closing(writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert "upgrade: websocket" in head
        writer.write(b"HTTP/1.1 101 Changed\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        while data := await reader.read(1024):
            writer.write(data)


async def by_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept an extended CONNECT, and echo all bytes."""
    settings = H2Configuration(client_side=False, header_encoding="utf-8")
    connection = H2Connection(settings)
    connection.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL] = 1
    connection.initiate_connection()
    with closing(writer):
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                match event:
                    case RequestReceived(headers=headers, stream_id=stream):
                        found = {str(name): str(value) for name, value in headers or ()}
                        assert (found[":method"], found[":protocol"]) == ("CONNECT", "websocket")
                        connection.send_headers(stream or 0, [(":status", "200")])
                    case DataReceived(data=part, stream_id=stream):
                        connection.send_data(stream or 0, part or b"")
            writer.write(connection.data_to_send())


@asynccontextmanager
async def backend(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Address]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


# -- clients ---------------------------------------------------------------------------------------


async def http1(address: Address, host: str) -> tuple[int, bytes]:
    """Ask for a WebSocket, send a frame, and return the status and the echo."""
    reader, writer = await asyncio.open_connection(*address)
    with closing(writer):
        lines = [f"GET /talk HTTP/1.1\r\nhost: {host}", *(f"{k}: {v}" for k, v in WISH.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
        if status != 101:
            return status, b""
        writer.write(FRAME)
        return status, await reader.readexactly(len(FRAME))


async def http2(address: Address, host: str) -> tuple[int, bytes]:
    """Do the same by an extended CONNECT."""
    return await connect(address, [(":authority", host), *extended("websocket")])


def extended(protocol: str) -> list[tuple[str, str]]:
    return [(":protocol", protocol), (":scheme", "http"), (":path", "/talk")]


async def connect(address: Address, fields: Sequence[tuple[str, str]]) -> tuple[int, bytes]:
    """Send a CONNECT and a frame. The status is 0 if the gateway ends the stream."""
    connection = H2Connection(H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    connection.send_headers(1, [(":method", "CONNECT"), *fields])
    reader, writer = await asyncio.open_connection(*address)
    status, echo = 0, b""
    with closing(writer):
        writer.write(connection.data_to_send())
        while len(echo) < len(FRAME) and (data := await reader.read(65536)):
            for event in connection.receive_data(data):
                match event:
                    case ResponseReceived(headers=headers):
                        found = {str(name): str(value) for name, value in headers or ()}
                        status = int(found[":status"])
                        if status != 200:
                            return status, b""
                        connection.send_data(1, FRAME)
                    case DataReceived(data=part):
                        echo += part or b""
                    case StreamReset():
                        return 0, b""
            writer.write(connection.data_to_send())
    return status, echo


CLIENTS = {"http-1.1": (http1, 101), "http-2": (http2, 200)}
"""What a client of each protocol does, and the status that opens a WebSocket for it."""


@asynccontextmanager
async def running_site(root: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(rig(root))
        pair = self_made()
        secure, secure2 = tls_of(pair, root), tls_of(pair, root)
        secure2.set_alpn_protocols(["h2"])
        pods = {
            "http": backend(by_http1),
            "https": backend(by_http1, secure),
            "http2": backend(by_http2),
            "grpcs": backend(by_http2, secure2),
            SAID: backend(by_http1),
        }
        for name, pod in pods.items():
            host, at = await stack.enter_async_context(pod)
            endpoints = slice_of(name, addresses=[host], port=at)
            port = {"port": 80, **({"appProtocol": "kubernetes.io/ws"} if name == SAID else {})}
            saying = service(name).with_spec(ports=[port])
            served.declare(f"{name}.yaml", saying, endpoints, to=ONE)
            key = {} if name == SAID else {KEY: name.upper()}
            rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80").of_class("mse")
            served.declare(f"{name}-rule.yaml", rule.annotate(key))
        yield Site(await served.address())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Site]]:
    with standing(running_site(tmp_path_factory.mktemp("site"))) as site:
        yield site


@pytest.mark.parametrize("name", ["http", "https", "http2", "grpcs", SAID])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_websocket_passes(site: Standing[Site], client: str, name: str) -> None:
    talk, opened = CLIENTS[client]
    assert site.run(talk(site.value.gateway, f"{name}.test")) == (opened, FRAME)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="to-a-host"),
        pytest.param(extended("connect-udp"), id="for-another-protocol"),
    ],
)
def test_another_connect_finds_no_route(
    site: Standing[Site], fields: list[tuple[str, str]]
) -> None:
    asked = connect(site.value.gateway, [(":authority", "http.test"), *fields])
    assert site.run(asked) == (404, b"")
