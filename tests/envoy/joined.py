"""A real Envoy that has joined a gateway over ADS, with real backends behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from envoy_data_plane.envoy.config.cluster.v3 import ClusterDiscoveryType
from envoy_data_plane.envoy.config.core.v3 import ApiVersion

from fleetgate.bootstrap import BootstrapSettings
from fleetgate.local.envoy_process import Envoy
from translators.envoy import messages as m
from xds.cache import SnapshotCache
from xds.resource import Resource, TypeUrl
from xds.server import XdsServer
from xds.wire import encode, pack

GATEWAY = "mse/shop"
LISTENER = "http-80"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Joined:
    """An Envoy that serves. `url` is that of its listener; a path `/N/...` leads to Cluster N."""

    envoy: Envoy
    url: str

    async def ask(self, path: str) -> int:
        """Send a request through Envoy, and return the status of the answer."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            await answer.read()
            return answer.status

    async def series(self) -> Sequence[str]:
        """Return the lines of /stats/prometheus that carry a value."""
        page = await self.envoy.get("/stats/prometheus")
        return [line for line in page.splitlines() if line and not line.startswith("#")]


@asynccontextmanager
async def joined(
    clusters: Sequence[str], settings: BootstrapSettings, directory: Path
) -> AsyncIterator[Joined]:
    """Serve these Clusters to an Envoy by ADS while the block runs."""
    cache = SnapshotCache()
    changed = asyncio.Event()
    cache.on_change(changed.set)
    server = XdsServer(cache)
    port = await server.start("127.0.0.1:0")
    try:
        async with _backend() as backend:
            cache.publish(GATEWAY, _resources(clusters, backend))
            placed = BootstrapSettings(
                xds_port=port,
                node_id="node-1",
                protocol=settings.protocol,
                full_statistics=settings.full_statistics,
            )
            envoy = Envoy(GATEWAY, placed, directory / "envoy.log")
            async with envoy.running(), asyncio.timeout(PATIENCE):
                while not (cache.listens(GATEWAY) and not cache.unacknowledged(GATEWAY)):
                    changed.clear()
                    await changed.wait()
                yield Joined(envoy, await _listening(envoy))
    finally:
        await server.stop(0)


async def _listening(envoy: Envoy) -> str:
    """Return the address of the listener. Envoy tells its port once the workers listen."""
    while True:
        listeners = json.loads(await envoy.get("/listeners?format=json"))
        for listener in listeners.get("listener_statuses", ()):
            address = listener["local_address"]["socket_address"]
            if address["port_value"]:
                return f"http://{address['address']}:{address['port_value']}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def _backend() -> AsyncIterator[int]:
    """Run a server that answers 500 to `.../fail` and 200 to all other requests."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=500 if request.path.endswith("fail") else 200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _resources(names: Sequence[str], port: int) -> dict[TypeUrl, dict[str, Resource]]:
    return {
        TypeUrl.CLUSTER: {name: _cluster(name) for name in names},
        TypeUrl.ENDPOINT: {name: _assignment(name, port) for name in names},
        TypeUrl.LISTENER: {LISTENER: _listener(names)},
    }


def _cluster(name: str) -> Resource:
    ads = m.ConfigSource(ads=m.AggregatedConfigSource(), resource_api_version=ApiVersion.V3)
    message = m.Cluster(
        name=name,
        type=ClusterDiscoveryType.EDS,
        eds_cluster_config=m.ClusterEdsClusterConfig(eds_config=ads),
        connect_timeout=timedelta(seconds=1),
    )
    return Resource.of(name, encode(message), requires=(name,))


def _assignment(name: str, port: int) -> Resource:
    socket = m.SocketAddress(address="127.0.0.1", port_value=port)
    endpoint = m.LbEndpoint(endpoint=m.Endpoint(address=m.Address(socket_address=socket)))
    message = m.ClusterLoadAssignment(
        cluster_name=name, endpoints=[m.LocalityLbEndpoints(lb_endpoints=[endpoint])]
    )
    return Resource.of(name, encode(message))


def _listener(names: Sequence[str]) -> Resource:
    routes = [
        m.Route(match=m.RouteMatch(prefix=f"/{n}/"), route=m.RouteAction(cluster=name))
        for n, name in enumerate(names)
    ]
    host = m.VirtualHost(name="all", domains=["*"], routes=routes)
    manager = m.HttpConnectionManager(
        stat_prefix=LISTENER,
        route_config=m.RouteConfiguration(virtual_hosts=[host]),
        http_filters=[
            m.HttpFilter(name="envoy.filters.http.router", typed_config=pack(m.Router()))
        ],
    )
    http = m.Filter(
        name="envoy.filters.network.http_connection_manager", typed_config=pack(manager)
    )
    message = m.Listener(
        name=LISTENER,
        stat_prefix=LISTENER,
        address=m.Address(socket_address=m.SocketAddress(address="127.0.0.1", port_value=0)),
        filter_chains=[m.FilterChain(filters=[http])],
    )
    return Resource.of(LISTENER, encode(message))
