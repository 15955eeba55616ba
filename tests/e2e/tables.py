"""Route tables that a test makes as resources, served to a real Envoy with a Listener of ours."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fleetgate.bootstrap import BootstrapSettings
from fleetgate.demo.http import Address
from fleetgate.local.envoy_process import Envoy
from translators.dialects.mse.gateway import MSE_TABLES
from translators.envoy.listeners import build_listener
from translators.model.binds import Bind
from translators.model.edge import EdgeSettings
from translators.model.listeners import Entry, ListenerPort
from xds.cache import SnapshotCache
from xds.resource import Resource, TypeUrl
from xds.server import XdsServer

GATEWAY = "mse/tables"
PATIENCE = 30.0

_HTTP_PORT = 80


@asynccontextmanager
async def serving(tables: Iterable[Resource], directory: Path) -> AsyncIterator[Address]:
    """Serve the tables, and give the address of the Envoy once it has accepted all of them."""
    cache = SnapshotCache()
    changed = asyncio.Event()
    cache.on_change(changed.set)
    entry, bind = Entry(ListenerPort(_HTTP_PORT), MSE_TABLES), Bind("127.0.0.1", -_HTTP_PORT)
    listener = build_listener(GATEWAY, entry, bind, EdgeSettings())
    cache.publish(
        GATEWAY,
        {
            TypeUrl.LISTENER: {listener.name: listener},
            TypeUrl.SCOPED_ROUTE: {table.name: table for table in tables},
        },
    )
    server = XdsServer(cache)
    settings = BootstrapSettings(xds_port=await server.start("127.0.0.1:0"), node_id="node")
    envoy = Envoy(GATEWAY, settings, directory / "envoy.log")
    try:
        async with envoy.running():
            async with asyncio.timeout(PATIENCE):
                while not (cache.listens(GATEWAY) and not cache.unacknowledged(GATEWAY)):
                    changed.clear()
                    await changed.wait()
                place = await _listening(envoy)
            assert not cache.rejections(GATEWAY)
            yield place
    finally:
        await server.stop(0)


async def _listening(envoy: Envoy) -> Address:
    """Return the address of the listener. Envoy tells its port once the workers listen."""
    while True:
        listeners = json.loads(await envoy.get("/listeners?format=json"))
        for listener in listeners.get("listener_statuses", ()):
            address = listener["local_address"]["socket_address"]
            if address["port_value"]:
                return str(address["address"]), int(address["port_value"])
        await asyncio.sleep(0.02)
