"""The gRPC server: its methods, its refusals, and clients that misbehave."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from grpc import aio

from tests.xds.dialogue import AGGREGATED, DeltaClient
from tests.xds.requests import delta
from tests.xds.resources import CLUSTER, ENDPOINT, LISTENER, SCOPE, eds_cluster
from tests.xds.rigs import GROUP, PATIENCE, GrpcRig, joined
from xds.cache import SnapshotCache
from xds.discovery import Node
from xds.resource import Resource
from xds.server import Auth, ServerSettings, XdsServer
from xds.services import methods

ADS = AGGREGATED["delta"]
FULL_NAMES = (
    "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters",
    "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters",
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints",
    "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints",
    "/envoy.service.listener.v3.ListenerDiscoveryService/DeltaListeners",
    "/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners",
    "/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes",
    "/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes",
    "/envoy.service.route.v3.ScopedRoutesDiscoveryService/DeltaScopedRoutes",
    "/envoy.service.route.v3.ScopedRoutesDiscoveryService/StreamScopedRoutes",
    "/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts",
    "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets",
    "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
)
SHORT = timedelta(milliseconds=50)


@pytest.fixture
def rig() -> Iterator[GrpcRig]:
    rig = GrpcRig("delta")
    yield rig
    rig.close()


def test_methods_have_the_names_of_envoys_services() -> None:
    assert tuple(sorted(methods())) == FULL_NAMES


@pytest.mark.parametrize("method", FULL_NAMES)
def test_every_method_serves(method: str, rig: GrpcRig) -> None:
    type_url = methods()[method][1] or CLUSTER
    rig.publish({type_url: {"shop": "1"}})
    client = rig.connect_to(method)
    client.request(type_url, "shop")
    client.exchange(type_url, {"shop": "1"})


@pytest.mark.parametrize("method", [name for name in FULL_NAMES if "Aggregated" not in name])
def test_services_of_one_type_need_no_type_url(method: str, rig: GrpcRig) -> None:
    type_url = methods()[method][1]
    assert type_url is not None
    rig.publish({type_url: {"shop": "1"}})
    client = rig.connect_to(method)
    client.request("", "shop")
    client.exchange(type_url, {"shop": "1"})


def ads(channel: aio.Channel) -> "aio.StreamStreamCall[bytes, bytes]":
    call: aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(ADS)()
    return call


async def read(call: "aio.StreamStreamCall[bytes, bytes]") -> bytes:
    data = await call.read()
    assert isinstance(data, bytes), "the stream has ended"
    return data


def refusal(rig: GrpcRig, method: str, data: bytes) -> aio.AioRpcError:
    transport = rig.open(method)
    transport.send(data)
    with pytest.raises(aio.AioRpcError) as caught:
        transport.receive()
    return caught.value


def request(type_url: str, *, cluster: str = GROUP, node_id: str = "envoy-1") -> bytes:
    node = core.Node(id=node_id, cluster=cluster)
    return delta(node=node, type_url=type_url)


def test_other_types_are_refused_by_services_of_one_type(rig: GrpcRig) -> None:
    method = "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters"
    error = refusal(rig, method, request(LISTENER))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == f"this service serves {CLUSTER} only, not {LISTENER}"


def test_requests_without_type_are_refused_on_an_aggregated_stream(rig: GrpcRig) -> None:
    error = refusal(rig, ADS, request(""))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "an aggregated stream needs a type_url in each request"


def test_bytes_that_are_no_request_are_refused(rig: GrpcRig) -> None:
    error = refusal(rig, ADS, b"\xff\xff\xff")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "DeltaDiscoveryRequest" in (error.details() or "")


def test_stream_may_ask_for_so_many_types_only(rig: GrpcRig) -> None:
    client = rig.connect()
    for number in range(32):
        client.request(f"type.googleapis.com/test.T{number}")
        assert client.receive_and_ack()
    client.request(CLUSTER)
    with pytest.raises(aio.AioRpcError, match="at most 32 types"):
        client.receive()


def test_node_without_a_gateway_is_refused_with_a_sentence(rig: GrpcRig) -> None:
    error = refusal(rig, ADS, request(CLUSTER, cluster=""))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error.details() == (
        "node 'envoy-1' of cluster '' is not served here: "
        "node.cluster has to name a gateway that this client may see"
    )
    assert rig.cache.clients() == ()


def test_group_is_decided_by_node_and_certificate() -> None:
    asked: list[tuple[Node, Auth]] = []

    def group_of(node: Node, auth: Auth) -> str | None:
        asked.append((node, auth))
        return GROUP if node.id == "friend" else None

    rig = GrpcRig("delta", group_of=group_of)
    rig.publish({CLUSTER: {"shop": "1"}})
    friend = rig.connect("friend", group="whatever")
    friend.request(CLUSTER)
    friend.exchange(CLUSTER, {"shop": "1"})
    assert refusal(rig, ADS, request(CLUSTER)).code() is grpc.StatusCode.PERMISSION_DENIED
    assert [node.id for node, _ in asked] == ["friend", "envoy-1"]
    rig.close()


def test_client_that_leaves_is_forgotten(rig: GrpcRig) -> None:
    client = rig.connect()
    client.request(CLUSTER)
    client.expect(CLUSTER, {})
    assert len(rig.cache.clients()) == 1
    client.close()
    assert rig.cache.clients() == ()


def test_client_whose_connection_breaks_is_forgotten(rig: GrpcRig) -> None:
    async def connect_and_break() -> None:
        channel = aio.insecure_channel(f"127.0.0.1:{rig.port}")
        call = ads(channel)
        await call.write(request(CLUSTER))
        await call.read()
        await channel.close()
        await joined(rig.cache, 0)

    rig.run(connect_and_break())


def test_held_routes_go_when_the_wait_for_endpoints_is_over() -> None:
    """No request arrives then, so the server has to wake up by itself."""
    rig = GrpcRig("delta", ServerSettings(endpoint_wait=SHORT))
    client = rig.connect()
    client.request(ENDPOINT, "other")
    client.exchange(ENDPOINT, {}, removed={"other"})
    rig.publish({CLUSTER: {"shop": eds_cluster("shop")}, SCOPE: {"host": "1"}})
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})
    client.request(SCOPE)
    client.exchange(SCOPE, {"host": "1"})
    rig.close()


def test_client_that_does_not_read_is_cut_off_and_hurts_nobody() -> None:
    """A response of 16 MiB exceeds any flow control window, so its write does not end."""
    rig = GrpcRig("delta", ServerSettings(write_timeout=timedelta(seconds=0.5)))
    rig.cache.publish(GROUP, {LISTENER: {"large": Resource.of("large", bytes(16 << 20))}})
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]

    async def converse() -> tuple[int, grpc.StatusCode]:
        address = f"127.0.0.1:{rig.port}"
        pushes = 0
        async with (
            aio.insecure_channel(address, options) as first,
            aio.insecure_channel(address) as second,
        ):
            stalled = ads(first)
            await stalled.write(request(LISTENER, node_id="stalled"))
            await joined(rig.cache, 1)
            served = ads(second)
            await served.write(request(CLUSTER))
            while pushes < 3 or len(rig.cache.clients()) > 1:
                response = discovery.DeltaDiscoveryResponse.parse(await read(served))
                pushes += 1
                rig.publish({CLUSTER: {"shop": str(pushes)}, LISTENER: {"new": str(pushes)}})
                await served.write(delta(type_url=CLUSTER, response_nonce=response.nonce))
            assert len(await read(stalled)) > 16 << 20
            return pushes, await stalled.code()

    pushes, code = rig.run(converse())
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert rig.cache.traffic()[LISTENER].messages == 1
    assert rig.cache.traffic()[CLUSTER].messages >= pushes
    rig.close()


def test_taken_port_is_an_error_with_a_sentence(rig: GrpcRig) -> None:
    address = f"127.0.0.1:{rig.port}"
    with pytest.raises(OSError, match=f"cannot listen on {address} for xDS"):
        rig.run(XdsServer(SnapshotCache()).start(address))


def test_stop_ends_the_streams() -> None:
    async def serve_and_stop() -> None:
        cache = SnapshotCache()
        cache.publish(GROUP, {})
        server = XdsServer(cache)
        port = await server.start("127.0.0.1:0")
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = ads(channel)
            await call.write(request(CLUSTER))
            await call.read()
            await server.stop()
            assert await call.code() is not grpc.StatusCode.OK
            await joined(cache, 0)

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await serve_and_stop()

    asyncio.run(bounded())


def test_streams_say_nothing_before_the_first_request(rig: GrpcRig) -> None:
    client = rig.connect()
    rig.publish({CLUSTER: {"shop": "1"}})
    assert isinstance(client, DeltaClient)
    assert rig.cache.clients() == ()
    client.request(CLUSTER)
    client.exchange(CLUSTER, {"shop": "1"})
