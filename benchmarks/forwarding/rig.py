"""Runs an Envoy with one worker, which is measured, and another one that it forwards to."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from benchmarks.forwarding.resources import BACKEND
from benchmarks.processes import cpu
from fleetgate.bootstrap import BootstrapSettings, bootstrap
from fleetgate.local.envoy_process import find_envoy
from xds.cache import SnapshotCache
from xds.resource import Update
from xds.server import XdsServer

GATEWAY: Final = "mse/bench"
PATIENCE: Final = 60.0

_LISTENERS: Final = ("backend", "beside")


@dataclass(frozen=True, slots=True)
class Worker:
    """A running Envoy; `admin` is HOST:PORT."""

    pid: int
    admin: str

    def cpu(self) -> float:
        """The seconds of CPU that the Envoy has used."""
        return cpu(self.pid)

    async def allocated(self) -> float:
        """The MiB in use, by Envoy's allocator."""
        return int((await self._get("/memory"))["allocated"]) / 2**20

    async def port(self, listener: str) -> int:
        """The port of a listener; waits until it listens."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self._get("/listeners?format=json")
                for each in found.get("listener_statuses", ()):
                    port = each["local_address"]["socket_address"]["port_value"]
                    if each["name"] == listener and port:
                        return int(port)
                await asyncio.sleep(0.05)

    async def _get(self, path: str) -> Mapping[str, Any]:  # JSON
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.admin}{path}") as answer,
        ):
            found: Mapping[str, Any] = json.loads(await answer.text())
            return found


@dataclass(frozen=True, slots=True)
class Subject:
    """The measured Envoy, and the control plane that it follows.

    The backend listens on the ports `behind` and `beside`.
    """

    worker: Worker
    cache: SnapshotCache
    changed: asyncio.Event
    behind: int
    beside: int

    async def take(self, update: Update) -> "Cost":
        """Publish resources, and give the cost until Envoy has acknowledged them."""
        clock = asyncio.get_running_loop().time
        memory, cpu, started = await self.worker.allocated(), self.worker.cpu(), clock()
        self.cache.publish(GATEWAY, update)
        async with asyncio.timeout(PATIENCE):
            while not self.cache.listens(GATEWAY) or self.cache.unacknowledged(GATEWAY):
                self.changed.clear()
                await self.changed.wait()
        if refused := self.cache.rejections(GATEWAY):
            raise RuntimeError(f"Envoy refuses {refused}")
        took = clock() - started
        return Cost(took, self.worker.cpu() - cpu, await self.worker.allocated() - memory)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds until the acknowledgement, seconds of Envoy's CPU, and MiB."""

    took: float
    cpu: float
    memory: float


@asynccontextmanager
async def subject(directory: Path, *, cluster: bool = True) -> AsyncIterator[Subject]:
    """Run both Envoys while the block runs. With `cluster`, the backend is the Cluster BACKEND."""
    cache = SnapshotCache()
    changed = asyncio.Event()
    cache.on_change(changed.set)
    server = XdsServer(cache)
    port = await server.start("127.0.0.1:0")
    try:
        async with _envoy(_backend(), directory, "backend") as backend:
            behind, beside = [await backend.port(name) for name in _LISTENERS]
            settings = BootstrapSettings(xds_port=port, node_id="bench", admin_port=0)
            config = yaml.safe_load(bootstrap(GATEWAY, settings))
            if cluster:
                config["static_resources"]["clusters"].append(_cluster(behind))
            async with _envoy(config, directory, "subject") as worker:
                yield Subject(worker, cache, changed, behind, beside)
    finally:
        await server.stop(0)


@asynccontextmanager
async def _envoy(
    config: Mapping[str, Any], directory: Path, name: str
) -> AsyncIterator[Worker]:  # JSON
    file, admin, log = (directory / f"{name}.{kind}" for kind in ("json", "admin", "log"))
    await asyncio.to_thread(file.write_text, json.dumps(config))
    setpriv = shutil.which("setpriv")
    process = await asyncio.create_subprocess_exec(
        *((setpriv, "--pdeathsig", "TERM") if setpriv else ()),
        find_envoy(),
        *("--config-path", file, "--admin-address-path", admin, "--log-path", log),
        *("--concurrency", "1", "--disable-hot-restart"),
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not (place := _content(admin)):  # noqa: ASYNC110 (Envoy is a process, which gives no event)
                await asyncio.sleep(0.02)
        yield Worker(process.pid, place)
    finally:
        process.terminate()
        await process.wait()


def _content(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _backend() -> dict[str, Any]:  # JSON
    """Run an Envoy that answers each request with 200."""
    types = "type.googleapis.com/envoy.extensions.filters"
    everything = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "backend",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [everything]}]
        },
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listeners = [
        {"name": name, "address": _address(0), "filter_chains": [chain]} for name in _LISTENERS
    ]
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": listeners},
        "stats_config": {"stats_matcher": {"reject_all": True}},
    }


def _cluster(port: int) -> dict[str, Any]:  # JSON
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": BACKEND,
        "load_assignment": {
            "cluster_name": BACKEND,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }


def _address(port: int) -> dict[str, Any]:  # JSON
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
