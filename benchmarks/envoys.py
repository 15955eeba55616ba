"""Runs real Envoys: one that follows fleetgate, and one with a configuration by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from benchmarks.bench import GATEWAY, Bench
from fleetgate.bootstrap import BootstrapSettings
from fleetgate.demo.http import Address
from fleetgate.demo.loopback import Loopback
from fleetgate.local.envoy_process import Envoy, find_envoy
from tests.support.process import Fleetgate

_PRIORITIES: Final = "web"


@asynccontextmanager
async def following(bench: Bench) -> AsyncIterator[tuple[Fleetgate, Envoy, Address]]:
    """Run a control plane and an Envoy that holds all resources, and give the Envoy's address."""
    with closing(Loopback()) as loopback:
        address = next(iter(loopback.addresses("gateways"))), loopback.port(80)
        place = ("--bind", address[0], "--port-offset", str(address[1] - 80))
        with bench.serving(*place) as serving:
            settings = BootstrapSettings(xds_port=serving.xds_port, node_id="bench-envoy")
            envoy = Envoy(f"mse/{GATEWAY}", settings, bench.place / "envoy.log")
            async with envoy.running():
                await accepting(address)
                await asyncio.to_thread(serving.sync, 120)
                yield serving, envoy, address


@asynccontextmanager
async def naive(
    place: Path, listen: Address, members: Sequence[Sequence[Address]]
) -> AsyncIterator[Path]:
    """Run an Envoy by hand: members by priority, outlier detection, and defaults otherwise.

    Gives the file that it reads its endpoints from, which `endpoints` writes.
    """
    source, config = place / "endpoints.json", place / "naive.json"
    endpoints(source, members)
    config.write_text(json.dumps(_by_hand(listen, source)), encoding="utf-8")
    options = ("--config-path", str(config), "--disable-hot-restart", "--log-level", "warning")
    with (place / "naive.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            find_envoy(), *options, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        await accepting(listen)
        yield source
    finally:
        process.kill()
        await process.wait()


def endpoints(source: Path, members: Sequence[Sequence[Address]]) -> None:
    """Write the file of endpoints, in the order of their priority."""
    assignment = {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": _PRIORITIES,
        "endpoints": [
            {"priority": priority, "lb_endpoints": [_endpoint(one) for one in member]}
            for priority, member in enumerate(members)
        ],
    }
    new = source.with_suffix(".new")
    new.write_text(json.dumps({"version_info": "1", "resources": [assignment]}), encoding="utf-8")
    new.replace(source)  # Envoy notices only files that are moved into place


def resident(pid: int) -> float:
    """The resident memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def accepting(address: Address, patience: float = 120.0) -> None:
    """Return when a server accepts connections at the address. Raises TimeoutError."""
    async with asyncio.timeout(patience):
        while True:
            try:
                _, writer = await asyncio.open_connection(*address)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _by_hand(listen: Address, source: Path) -> Mapping[str, Any]:  # JSON
    types = "type.googleapis.com/envoy.extensions.filters"
    everything = {"match": {"prefix": "/"}, "route": {"cluster": _PRIORITIES}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "naive",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [everything]}]
        },
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    cluster = {
        "name": _PRIORITIES,
        "type": "EDS",
        "eds_cluster_config": {
            "eds_config": {
                "resource_api_version": "V3",
                "path_config_source": {"path": str(source)},
            }
        },
        "outlier_detection": {},
    }
    return {
        "node": {"id": "naive", "cluster": "naive"},
        "static_resources": {
            "listeners": [{"name": "http", "address": _address(listen), "filter_chains": [chain]}],
            "clusters": [cluster],
        },
    }


def _endpoint(address: Address) -> Mapping[str, Any]:  # JSON
    return {"endpoint": {"address": _address(address)}}


def _address(address: Address) -> Mapping[str, Any]:  # JSON
    return {"socket_address": {"address": address[0], "port_value": address[1]}}
