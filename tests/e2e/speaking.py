"""Pods that speak HTTP or gRPC, in clear text or over TLS, on free ports of 127.0.0.1."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc.aio
from aiohttp import web
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from fleetgate.demo.http import Address
from tests.support.authority import Authority, Pair
from tests.support.serving import serving

Answer: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Call: TypeAlias = Callable[[bytes, "grpc.aio.ServicerContext[bytes, bytes]"], AsyncIterator[bytes]]


def self_made() -> Pair:
    """Make a self-signed certificate, as applications make one for themselves."""
    return Authority.make("self-made").issue("pod", addresses=["127.0.0.1"], names=["pod"])


def tls_of(pair: Pair, place: Path) -> ssl.SSLContext:
    """Make the TLS context of a server; `place` is a directory for the files that it reads."""
    certificate, key = place / "pod.crt", place / "pod.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def http_pod(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Address]:
    """Answer requests over HTTP/1.1 while the block runs."""
    runner = web.ServerRunner(web.Server(answer, auto_decompress=False))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0]
        yield str(host), int(port)
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class _Calls(grpc.GenericRpcHandler):
    """Handles every method in the same way: one message in, a stream of messages out."""

    call: Call

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        return grpc.unary_stream_rpc_method_handler(self.call)


def grpc_pod(call: Call, tls: Pair | None = None) -> AbstractAsyncContextManager[Address]:
    """Answer calls of every method while the block runs."""
    return grpc_server(_Calls(call), tls)


@asynccontextmanager
async def grpc_server(
    handler: grpc.GenericRpcHandler, tls: Pair | None = None
) -> AsyncIterator[Address]:
    """Serve the methods of a handler while the block runs."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    if tls is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        credentials = grpc.ssl_server_credentials([(tls.key, tls.certificate)])
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield "127.0.0.1", port
    finally:
        await server.stop(0)


@asynccontextmanager
async def strict_http2_pod(
    at: type[StreamEnded | RequestReceived] = StreamEnded,
) -> AsyncIterator[Address]:
    """Answer requests over HTTP/2, and end the connection if one has a field that is forbidden.

    It answers at the end of a request, or when the request begins.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        with closing(writer), suppress(ConnectionError, ProtocolError):
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, at) and event.stream_id is not None:
                        answer = [(":status", "200")]
                        connection.send_headers(event.stream_id, answer, end_stream=True)
                writer.write(connection.data_to_send())
                await writer.drain()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(listener, serve):
            yield listener.getsockname()


@asynccontextmanager
async def either_pod(by_http1: Address, by_http2: Address) -> AsyncIterator[Address]:
    """Serve HTTP/1.1 and gRPC on one port by the first bytes of a connection, as Go's cmux does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin = await reader.read(3)
        there = await asyncio.open_connection(*(by_http2 if begin == b"PRI" else by_http1))
        with closing(there[1]), closing(writer):
            there[1].write(begin)
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(listener, serve):
            yield listener.getsockname()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
