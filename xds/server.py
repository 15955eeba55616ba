"""The gRPC server: reads requests into streams, writes what they answer; nothing else.

    client ══▶ read ──▶ Stream.receive ──┐ wake
    client ◀══ write ◀── next_message ◀──┴── publish, deadline

A stream has one write under way at most. A client that does not read stalls its own stream only,
and is cut off after a bound; meanwhile its changes merge, so it costs no memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

import grpc
from grpc import aio

from xds.cache import SnapshotCache
from xds.discovery import Node
from xds.resource import TypeUrl
from xds.stream import DELTA, ENDPOINT_WAIT, SOTW, BadRequest, Dialect, Refused, Stream

log = logging.getLogger(__name__)

Auth: TypeAlias = Mapping[str, Iterable[bytes]]
GroupOf: TypeAlias = Callable[[Node, Auth], str | None]
_Context: TypeAlias = "aio.ServicerContext[bytes, bytes]"

_SERVICES: Final = MappingProxyType(
    {
        "envoy.service.cluster.v3.ClusterDiscoveryService": ("Clusters", TypeUrl.CLUSTER),
        "envoy.service.endpoint.v3.EndpointDiscoveryService": ("Endpoints", TypeUrl.ENDPOINT),
        "envoy.service.listener.v3.ListenerDiscoveryService": ("Listeners", TypeUrl.LISTENER),
        "envoy.service.route.v3.RouteDiscoveryService": ("Routes", TypeUrl.ROUTE),
        "envoy.service.route.v3.ScopedRoutesDiscoveryService": (
            "ScopedRoutes",
            TypeUrl.SCOPED_ROUTE,
        ),
        "envoy.service.secret.v3.SecretDiscoveryService": ("Secrets", TypeUrl.SECRET),
    }
)
_ADS: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"


def methods() -> dict[str, tuple[Dialect, TypeUrl | None]]:
    """The full names of all methods served, with their protocol and their one type, if any."""
    found: dict[str, tuple[Dialect, TypeUrl | None]] = {
        f"/{_ADS}/StreamAggregatedResources": (SOTW, None),
        f"/{_ADS}/DeltaAggregatedResources": (DELTA, None),
        # VHDS exists in the incremental protocol only.
        "/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts": (
            DELTA,
            TypeUrl.VIRTUAL_HOST,
        ),
    }
    for service, (noun, type_url) in _SERVICES.items():
        found[f"/{service}/Stream{noun}"] = (SOTW, type_url)
        found[f"/{service}/Delta{noun}"] = (DELTA, type_url)
    return found


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Bounds of the server.

    A client that takes nothing for `write_timeout` is cut off; it learns that when it reads on.
    Clients are pinged after `server_ping` of silence; without an answer within
    `server_ping_timeout` the connection is closed.
    `largest_request` is in bytes: a request that names 100,000 endpoints has about 10 MB.
    `endpoint_wait` bounds how long routes are held back for a client that does not subscribe to the
    endpoints of its new Clusters.
    """

    write_timeout: timedelta = timedelta(seconds=30)
    server_ping: timedelta = timedelta(seconds=30)
    server_ping_timeout: timedelta = timedelta(seconds=10)
    largest_request: int = 64 << 20
    endpoint_wait: timedelta = timedelta(seconds=ENDPOINT_WAIT)


def by_cluster(node: Node, auth: Auth) -> str | None:
    """The group that a node itself names."""
    return node.cluster or None


@dataclass(slots=True)
class XdsServer:
    """Serves a cache by ADS and by the services of one type.

    `group_of` decides which group a client gets from its node and its certificate: None refuses it,
    Refused does so in words of its own. Construction starts nothing.
    """

    cache: SnapshotCache
    settings: ServerSettings = field(default_factory=ServerSettings)
    group_of: GroupOf = by_cluster
    _server: aio.Server | None = None

    async def start(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `host:port`, without TLS unless given credentials; gives the port.

        Raises OSError where the address cannot be bound.
        """
        server = aio.server(options=self._options())
        server.add_generic_rpc_handlers((_Methods(self),))
        try:
            if credentials is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address} for xDS: {error}") from error
        self._server = server  # before it runs: a start that is cancelled half-way is to be stopped
        await server.start()
        log.info("listening address=%s port=%d", address, port)
        return port

    async def stop(self, grace: float | None = None) -> None:
        """Stop listening, and end all streams after `grace` seconds at the latest."""
        if self._server is not None:
            await self._server.stop(grace)
            self._server = None

    def _options(self) -> list[tuple[str, int]]:
        s = self.settings
        return [
            ("grpc.max_receive_message_length", s.largest_request),
            ("grpc.max_send_message_length", -1),
            ("grpc.keepalive_time_ms", _milliseconds(s.server_ping)),
            ("grpc.keepalive_timeout_ms", _milliseconds(s.server_ping_timeout)),
            # Else an answer may take a minute, whatever is said above (grpcio 1.85).
            ("grpc.http2.ping_timeout_ms", _milliseconds(s.server_ping_timeout)),
            ("grpc.keepalive_permit_without_calls", 1),
            # Clients ping as often as they like; gRPC would send them away for it.
            ("grpc.http2.max_ping_strikes", 0),
            # Else a second process could share the port, and take half of the clients.
            ("grpc.so_reuseport", 0),
        ]

    async def converse(
        self,
        requests: AsyncIterator[bytes],
        context: _Context,
        dialect: Dialect,
        only: TypeUrl | None,
    ) -> None:
        """Serve one stream until one side ends it."""
        awake = asyncio.Event()
        auth = context.auth_context()
        stream = Stream(
            self.cache,
            dialect,
            group_of=lambda node: self.group_of(node, auth),
            wake=awake.set,
            only=only,
            endpoint_wait=self.settings.endpoint_wait.total_seconds(),
        )
        end: tuple[grpc.StatusCode, str] | None = None
        # With the first message it would be under way as long as that, and a stream whose initial
        # metadata is under way cannot be ended (grpcio: TOO_MANY_OPERATIONS).
        await context.send_initial_metadata(())
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(self._write(context, stream, awake))
                await _read(requests, stream, awake)
                writing.cancel()
        except* BadRequest as errors:
            end = (grpc.StatusCode.INVALID_ARGUMENT, str(errors.exceptions[0]))
        except* Refused as errors:
            end = (grpc.StatusCode.PERMISSION_DENIED, str(errors.exceptions[0]))
        except* TimeoutError:
            end = (
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the client took no response for {self.settings.write_timeout}",
            )
        finally:
            stream.close()
            # Whoever is refused tries again and again: an operator has to hear of it.
            log.log(
                logging.WARNING if end else logging.INFO,
                "closed node=%s group=%s peer=%s%s",
                stream.node_id,
                stream.group,
                context.peer(),
                f" status={end[0].name} detail={end[1]!r}" if end else "",
            )
        if end:
            await context.abort(*end)

    async def _write(self, context: _Context, stream: Stream, awake: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while True:
            awake.clear()
            while (message := stream.next_message(loop.time())) is not None:
                async with asyncio.timeout(self.settings.write_timeout.total_seconds()):
                    await context.write(message)
            try:
                async with asyncio.timeout_at(stream.deadline):
                    await awake.wait()
            except TimeoutError:
                continue  # the deadline has come: ask the stream again


async def _read(requests: AsyncIterator[bytes], stream: Stream, awake: asyncio.Event) -> None:
    async for request in requests:
        stream.receive(request)
        awake.set()


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


class _Methods(grpc.GenericRpcHandler):
    """Names to streams; no serialisers, so that bytes go in and out."""

    def __init__(self, server: XdsServer) -> None:
        self._handlers = {
            name: self._handler(server, dialect, only)
            for name, (dialect, only) in methods().items()
        }

    @staticmethod
    def _handler(
        server: XdsServer, dialect: Dialect, only: TypeUrl | None
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def converse(requests: AsyncIterator[bytes], context: _Context) -> None:
            await server.converse(requests, context, dialect, only)

        return grpc.stream_stream_rpc_method_handler(converse)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return self._handlers.get(handler_call_details.method)
