"""The gRPC server: it reads requests into streams and writes their responses, nothing else.

    client ══▶ read ──▶ Stream.receive ──┐ wake
    client ◀══ write ◀── next_message ◀──┴── publish, deadline

A stream has one write under way at most. A client that does not read stalls its own stream only,
and is cut off after a while. Its changes merge meanwhile, so it costs no memory.
New credentials take another server on the same port (xds.listening), to which clients come over one
by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, TypeAlias

import grpc
from grpc import aio

from xds.cache import SnapshotCache
from xds.discovery import MOST_NAMES, Node
from xds.errors import BadRequest, Refused, StreamError, TooMuch
from xds.listening import Listening, OpenStreams, try_out, until_free
from xds.quoted import quoted
from xds.resource import TypeUrl
from xds.services import methods
from xds.stream import ENDPOINT_WAIT, Stream
from xds.turnstile import Pass, Turnstile
from xds.variants import Variant

log = logging.getLogger(__name__)

Auth: TypeAlias = Mapping[str, Iterable[bytes]]
GroupOf: TypeAlias = Callable[[Node, Auth], str | None]
_Context: TypeAlias = "aio.ServicerContext[bytes, bytes]"

_End: TypeAlias = tuple[grpc.StatusCode, str]

_STATUS: Final[Mapping[type[StreamError], grpc.StatusCode]] = {
    BadRequest: grpc.StatusCode.INVALID_ARGUMENT,
    Refused: grpc.StatusCode.PERMISSION_DENIED,
    TooMuch: grpc.StatusCode.RESOURCE_EXHAUSTED,
}

_PATIENCE: Final = 10.0
"""Seconds after which the log says that the port has not become free."""


class _Stalled(Exception):
    """The client does not read."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Bounds of the server.

    A client that does not read for `write_timeout` is cut off; it learns of that when it reads on.
    A client is pinged after `server_ping` of silence. Its connection is closed if no answer comes
    within `server_ping_timeout`.
    A connection that has not finished its handshake after `handshake_timeout` is closed; one beyond
    `most_connections` is closed at once. A stream beyond `most_streams` of its connection waits for
    another one to end.
    `largest_request` is in bytes. A stream may be subscribed to `most_names` resources by name: a
    client that reconnects sends all of them, and their versions, in one request for each type.
    Routes are held back for `endpoint_wait` at most if a client does not subscribe to the endpoints
    of its new Clusters.
    After new credentials each stream ends at another moment, the last one after `handover`.
    """

    write_timeout: timedelta = timedelta(seconds=30)
    server_ping: timedelta = timedelta(seconds=30)
    server_ping_timeout: timedelta = timedelta(seconds=10)
    handshake_timeout: timedelta = timedelta(seconds=10)
    most_connections: int = 10_000
    most_streams: int = 100
    largest_request: int = 4 << 20
    most_names: int = MOST_NAMES
    endpoint_wait: timedelta = timedelta(seconds=ENDPOINT_WAIT)
    handover: timedelta = timedelta(minutes=10)


def by_cluster(node: Node, auth: Auth) -> str | None:
    """The group that a node itself names."""
    return node.cluster or None


@dataclass(slots=True)
class XdsServer:
    """Serves a cache by ADS and by the services of one type.

    `group_of` gives the group of a client by its node and its certificate. It refuses a client by
    None, or by raising Refused with a text of its own. Construction starts nothing.
    """

    cache: SnapshotCache
    settings: ServerSettings = field(default_factory=ServerSettings)
    group_of: GroupOf = by_cluster
    _listening: Listening | None = None
    _address: str = ""
    _turnstile: Turnstile = field(default_factory=Turnstile)
    _retiring: dict[Listening, asyncio.Task[None]] = field(default_factory=dict)

    async def start(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `host:port`, without TLS if there are no credentials; gives the port.

        Raises OSError if the address cannot be bound, UnusableCredentials if gRPC cannot serve with
        the credentials.
        """
        if credentials is not None:
            await try_out(credentials)
        # It is assigned before it runs, so that `stop` ends a start that was cancelled half-way.
        self._listening = self._make()
        port = await self._listening.open(address, credentials)
        self._address = f"{address.rpartition(':')[0]}:{port}"
        log.info("listening address=%s port=%d", address, port)
        return port

    async def renew(self, credentials: grpc.ServerCredentials) -> None:
        """Listen on the same port with other credentials, which new connections use.

        Streams end one by one within `settings.handover`, and their clients reconnect. A client
        that connects while no server listens is refused, and tries again. If this raises
        UnusableCredentials, everything stays as it was. Only one call may run at a time.
        """
        await try_out(credentials)
        before, self._listening = self._listening, None
        if before is not None:
            leaving = asyncio.create_task(before.retire(self.settings.handover))
            self._retiring[before] = leaving
            leaving.add_done_callback(lambda _: self._retiring.pop(before, None))
        while True:
            await self._until_free()
            self._listening = self._make()
            try:
                await self._listening.open(self._address, credentials)
            except OSError as error:
                log.warning("%s; trying again", error)
            else:
                break
        log.info("listening with new credentials address=%s", self._address)

    async def stop(self, grace: float | None = None) -> None:
        """Stop listening, and end all streams after `grace` seconds at the latest."""
        open_ = [*self._retiring] + ([self._listening] if self._listening else [])
        self._listening = None
        await asyncio.gather(*(listening.stop(grace) for listening in open_))
        await asyncio.gather(*self._retiring.values())

    def _make(self) -> Listening:
        streams = OpenStreams()
        return Listening(self._options(), _Methods(self, streams), streams)

    async def _until_free(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await until_free(self._address)
        except TimeoutError:
            log.error(  # noqa: TRY400 (the exception says nothing more)
                "no client can connect: another process listens on %s since the credentials of xDS "
                "were renewed",
                self._address,
            )
            await until_free(self._address)

    def _options(self) -> list[tuple[str, int]]:
        s = self.settings
        return [
            # gRPC refuses a request without telling us, so one that is a little too large is
            # refused here, with a line in the log.
            ("grpc.max_receive_message_length", 2 * s.largest_request),
            ("grpc.max_send_message_length", -1),
            ("grpc.keepalive_time_ms", _milliseconds(s.server_ping)),
            ("grpc.keepalive_timeout_ms", _milliseconds(s.server_ping_timeout)),
            # Without this an answer may take a minute, in spite of the timeout above (grpcio 1.85).
            ("grpc.http2.ping_timeout_ms", _milliseconds(s.server_ping_timeout)),
            ("grpc.server_handshake_timeout_ms", _milliseconds(s.handshake_timeout)),
            ("grpc.max_allowed_incoming_connections", s.most_connections),
            ("grpc.max_concurrent_streams", s.most_streams),
            ("grpc.keepalive_permit_without_calls", 1),
            # Clients may ping as often as they like; by default gRPC disconnects them for it.
            ("grpc.http2.max_ping_strikes", 0),
            # Without this a second process could share the port, and take half of the clients.
            ("grpc.so_reuseport", 0),
        ]

    async def converse(
        self, context: _Context, variant: Variant, only: TypeUrl | None, streams: OpenStreams
    ) -> _End | None:
        """Serve one stream until a side ends it; gives the status if the server has to end it."""
        awake = asyncio.Event()
        auth = context.auth_context()
        stream = Stream(
            self.cache,
            variant,
            group_of=lambda node: self.group_of(node, auth),
            wake=awake.set,
            only=only,
            endpoint_wait=self.settings.endpoint_wait.total_seconds(),
            most_names=self.settings.most_names,
        )
        end: _End | None = None
        # Otherwise initial metadata is sent with the first message, and while it is under way the
        # stream cannot be ended (grpcio: TOO_MANY_OPERATIONS).
        await context.send_initial_metadata(())
        try:
            async with streams.entered(), asyncio.TaskGroup() as tasks:
                own = Pass(self._turnstile)
                writing = tasks.create_task(self._write(context, stream, awake, own))
                end = await self._read(context, stream, awake, own)
                writing.cancel()
        except* _Stalled as errors:
            end = grpc.StatusCode.DEADLINE_EXCEEDED, str(errors.exceptions[0])
        except* TimeoutError:
            pass  # the server retires
        finally:
            stream.close()
            # A client that was refused tries again and again, and an operator has to notice.
            log.log(
                logging.WARNING if end else logging.INFO,
                "closed node=%s group=%s peer=%s%s",
                quoted(stream.node_id),
                quoted(stream.group),
                context.peer(),
                f" status={end[0].name} detail={end[1]!r}" if end else "",
                extra={"group": stream.group},
            )
        return end

    async def _read(
        self, context: _Context, stream: Stream, awake: asyncio.Event, own: Pass
    ) -> _End | None:
        """Take requests; gives the status to end the stream with, None if the client has ended it.

        A status is not raised: a traceback would keep the request, which may be large, until
        Python's garbage collector runs.
        """
        most = self.settings.largest_request
        try:
            while (request := await _next(context)) is not None:
                size = len(request)
                if size > most:
                    return (
                        grpc.StatusCode.RESOURCE_EXHAUSTED,
                        f"a request has {size} bytes, and at most {most} are served",
                    )
                await own.do(partial(stream.receive, request), size)
                del request  # it may be large, and the next one may take long to come
                awake.set()
        except StreamError as error:
            return _STATUS[type(error)], str(error)
        return None

    async def _write(
        self, context: _Context, stream: Stream, awake: asyncio.Event, own: Pass
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            awake.clear()
            while (message := await own.do(lambda: stream.next_message(loop.time()))) is not None:
                try:
                    async with asyncio.timeout(self.settings.write_timeout.total_seconds()):
                        await context.write(message)
                except TimeoutError:
                    wait = self.settings.write_timeout
                    raise _Stalled(f"the client took no response for {wait}") from None
                finally:
                    message = b""  # a traceback keeps the variables of its frames
            try:
                async with asyncio.timeout_at(stream.deadline):
                    await awake.wait()
            except TimeoutError:
                continue  # the stream has something to send at its deadline


async def _next(context: _Context) -> bytes | None:
    """The next request; None if the client has ended its side.

    gRPC's iterator of requests is not used, because it keeps the last one.
    """
    found: object = await context.read()  # types-grpcio does not know the value that ends it
    return found if isinstance(found, bytes) else None


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


class _Methods(grpc.GenericRpcHandler):
    """The methods by name. They have no serialisers, so that bytes go in and out."""

    def __init__(self, server: XdsServer, streams: OpenStreams) -> None:
        self._handlers = {
            name: self._handler(server, streams, variant, only)
            for name, (variant, only) in methods().items()
        }

    @staticmethod
    def _handler(
        server: XdsServer, streams: OpenStreams, variant: Variant, only: TypeUrl | None
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def converse(_: object, context: _Context) -> None:
            if end := await server.converse(context, variant, only, streams):
                await context.abort(*end)

        return grpc.stream_stream_rpc_method_handler(converse)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return self._handlers.get(handler_call_details.method)
