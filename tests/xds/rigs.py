"""Rigs for dialogues: the state machine itself, and real gRPC on a free port."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from grpc import aio

from tests.xds.dialogue import AGGREGATED, CLIENTS, Client, Transport
from tests.xds.resources import CLUSTER, LISTENER, SCOPE, Declared, update
from xds import wire
from xds.cache import SnapshotCache
from xds.on_demand import NO_STAND_INS, StandIns
from xds.resource import TypeUrl
from xds.server import GroupOf, ServerSettings, XdsServer, by_cluster
from xds.services import methods
from xds.stream import Stream
from xds.variants import DELTA, SOTW

T = TypeVar("T")
GROUP = "mse/shop"
PATIENCE = 20.0  # seconds; no test takes that long, even on a busy machine


class World(ABC):
    """A cache, and clients of one variant."""

    def __init__(self, protocol: str, stand_ins: Mapping[TypeUrl, StandIns] = NO_STAND_INS) -> None:
        self.cache = SnapshotCache(stand_ins, epoch="e")
        self.cache.publish(GROUP, {})
        self.protocol = protocol

    def publish(
        self,
        types: Mapping[TypeUrl, Declared],
        *,
        group: str = GROUP,
        versions: Mapping[TypeUrl, str] | None = None,
    ) -> None:
        self.cache.publish(group, update(types), versions)

    def connect(self, node: str = "envoy-1", *, group: str = GROUP) -> Client:
        """A client on an aggregated stream."""
        return self._client(AGGREGATED[self.protocol], node, group)

    def connect_in_sync(self) -> Client:
        """A client that has acknowledged all Clusters, Listeners and scoped routes."""
        client = self.connect()
        for type_url in (CLUSTER, LISTENER, SCOPE):
            client.request(type_url)
            assert client.receive_and_ack() == type_url
        return client

    def connect_to(self, method: str, node: str = "envoy-1") -> Client:
        """A client on any method, by its full name."""
        return self._client(method, node, GROUP)

    def _client(self, method: str, node: str, group: str) -> Client:
        return CLIENTS[methods()[method][0].name](self.open(method), node, group)

    @abstractmethod
    def open(self, method: str) -> Transport: ...

    @abstractmethod
    def close(self) -> None:
        """End the server and its connections, if there are any."""


class MachineWorld(World):
    """Streams without sockets and event loop. The clock is set by `advance`.

    `filling` is the length of a field that is appended to each request and that no server knows.
    """

    def __init__(
        self,
        protocol: str,
        stand_ins: Mapping[TypeUrl, StandIns] = NO_STAND_INS,
        *,
        filling: int = 0,
    ) -> None:
        super().__init__(protocol, stand_ins)
        self.filling = wire.field(100, bytes(filling)) if filling else b""
        self.now = 0.0
        self.wakes = 0
        self.streams: list[Stream] = []

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def close(self) -> None:
        pass

    def open(self, method: str) -> Transport:
        variant, only = methods()[method]
        assert variant in (DELTA, SOTW)
        stream = Stream(
            self.cache,
            variant,
            group_of=lambda node: node.cluster or None,
            wake=self._wake,
            only=only,
        )
        self.streams.append(stream)
        return _MachineTransport(self, stream)

    def _wake(self) -> None:
        self.wakes += 1


class _MachineTransport:
    def __init__(self, world: MachineWorld, stream: Stream) -> None:
        self._world = world
        self._stream = stream

    def send(self, data: bytes) -> None:
        self._stream.receive(data + self._world.filling)

    def receive(self) -> bytes | None:
        return self._stream.next_message(self._world.now)

    def close(self) -> None:
        self._stream.close()


class GrpcWorld(World):
    """A real server and real clients in one event loop, which runs during each call."""

    def __init__(
        self,
        protocol: str,
        settings: ServerSettings | None = None,
        group_of: GroupOf = by_cluster,
    ) -> None:
        super().__init__(protocol)
        self._runner = asyncio.Runner()
        self.server = XdsServer(self.cache, settings or ServerSettings(), group_of)
        self.port = self.run(self.server.start("127.0.0.1:0"))
        self._channel = self.run(_channel(f"127.0.0.1:{self.port}"))

    def run(self, work: Awaitable[T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(PATIENCE):
                return await work

        return self._runner.run(bounded())

    def open(self, method: str) -> Transport:
        return _GrpcTransport(self, self.run(_call(self._channel, method)))

    def close(self) -> None:
        self.run(self._channel.close())
        self.run(self.server.stop())
        self._runner.close()


async def _channel(address: str) -> aio.Channel:
    return aio.insecure_channel(address)


async def _call(channel: aio.Channel, method: str) -> "aio.StreamStreamCall[bytes, bytes]":
    return channel.stream_stream(method)()


class _GrpcTransport:
    def __init__(self, world: GrpcWorld, call: "aio.StreamStreamCall[bytes, bytes]") -> None:
        self._world = world
        self._call = call

    def send(self, data: bytes) -> None:
        self._world.run(self._call.write(data))

    def receive(self) -> bytes | None:
        data = self._world.run(self._call.read())
        assert isinstance(data, bytes), "the stream has ended"
        return data

    def close(self) -> None:
        self._world.run(self._end())

    async def _end(self) -> None:
        await self._call.done_writing()
        while await self._call.read() is not aio.EOF:
            pass


async def joined(cache: SnapshotCache, clients: int) -> None:
    """Wait until so many clients are connected."""
    changed = asyncio.Event()
    stop = cache.on_change(changed.set)
    while len(cache.clients()) != clients:
        await changed.wait()
        changed.clear()
    stop()
