"""A gateway has two lines in /stats/prometheus for each Cluster, even under traffic.

The Clusters come from a fleet, as those of users do; tests/envoy counts for Clusters made by hand.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from fleetgate.bootstrap import BootstrapSettings
from fleetgate.demo.http import Address, HttpClient, Question
from fleetgate.demo.loopback import Loopback
from fleetgate.fleets import DirectoryPlace
from fleetgate.local.envoy_process import Envoy
from fleetgate.local.fleet import LocalFleet
from fleetgate.local.local_envoys import LocalGateways
from fleetgate.serving import serving
from tests.e2e.backends import Manner, backend
from tests.e2e.rig import PATIENCE, gateway_ref, settings_on
from tests.support.builders import ingress, mse_gateway, service, slice_of, write

FIXED: Final = 400
"""Lines of a gateway itself; half of them are the buckets of nine histograms."""

pytestmark = pytest.mark.usefixtures("real_envoy")


def _lines(
    tmp_path: Path, services: int, bootstrap: BootstrapSettings, *, quiet: int = 0
) -> Sequence[str]:
    """Return the lines of a gateway after each of its Services has given a good and a bad answer.

    The last `quiet` Services get no request.
    """

    async def measure() -> Sequence[str]:
        root = tmp_path / "fleet"
        async with backend("pod") as pod:
            _declare(root, services, pod.address)
            with closing(Loopback()) as loopback:
                async with serving(DirectoryPlace(root), settings_on(loopback)) as running:
                    settings = replace(bootstrap, xds_port=running.xds_port, node_id="node-1")
                    envoy = Envoy("mse/gw", settings, tmp_path / "envoy.log")
                    async with envoy.running():
                        fleet = LocalFleet(running, LocalGateways(tmp_path))
                        address = await fleet.listening(gateway_ref())
                        await fleet.sync()
                        for manner, status in (Manner.ANSWER, 200), (Manner.UNAVAILABLE, 503):
                            pod.manner = manner
                            for number in range(services - quiet):
                                assert await _ask(address, f"host-{number}.test") == status
                        assert len(pod.asked) == 2 * (services - quiet)
                        page = await envoy.get("/stats/prometheus")
        return [line for line in page.splitlines() if line and not line.startswith("#")]

    return asyncio.run(measure())


def _declare(root: Path, services: int, pod: Address) -> None:
    write(root, "hub/gateway.yaml", mse_gateway("gw", members=["one"]))
    host, port = pod
    for number in range(services):
        name = f"service-{number}"
        rule = ingress(name, host=f"host-{number}.test").path("/", to=f"{name}:80").of_class("mse")
        write(root, f"hub/{name}.yaml", rule)
        pods = slice_of(name, addresses=[host], port=port)
        write(root, f"clusters/one/{name}.yaml", service(name), pods)


async def _ask(address: Address, host: str) -> int:
    """Send one request that is not retried, and return the status of the answer."""
    client = HttpClient(address, Question(host=host, method="POST"), PATIENCE)
    try:
        return (await client.ask()).status
    finally:
        client.close()


@pytest.mark.parametrize("services", [10, 200])
def test_a_cluster_is_two_lines(services: int, tmp_path: Path) -> None:
    lines = _lines(tmp_path, services, BootstrapSettings())

    for number in range(services):
        own = [line for line in lines if f'"default/service-{number}/80"' in line]
        assert len(own) == 2
    assert len(lines) < FIXED + 2 * services


def test_a_cluster_without_requests_has_no_lines(tmp_path: Path) -> None:
    lines = _lines(tmp_path, 2, BootstrapSettings(), quiet=1)

    shown = [any(f"service-{number}/" in line for line in lines) for number in range(2)]
    assert shown == [True, False]


def test_a_setting_opens_the_full_set(tmp_path: Path) -> None:
    lines = _lines(tmp_path, 1, BootstrapSettings(full_statistics=True))

    assert len([line for line in lines if '"default/service-0/80"' in line]) > 100
