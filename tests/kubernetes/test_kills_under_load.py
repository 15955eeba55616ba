"""Any part is killed under load, and no idempotent request through the real Envoy fails."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from fleet.sources.state_file import files_in
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.load import Load
from tests.kubernetes.rig import Site, name_member, shows, site
from tests.kubernetes.traffic import (
    GATEWAY,
    answered_by_all,
    declare,
    envoy,
    load,
    serve,
    steady,
)
from tests.support import netns
from tests.support import running_fleet as pods
from tests.support.cable import Cable
from tests.support.kube import Clusters
from tests.support.process import PATIENCE, Fleetgate
from tests.support.requirement import require

pytestmark = pytest.mark.usefixtures("real_envoy")

Json: TypeAlias = Any

REMOTE = ("get", "mseingressconfig", GATEWAY, "-ojsonpath={.status.remoteClusters}")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(netns.available())


async def until_status(serving: Fleetgate, true: Callable[[Json], bool]) -> None:
    """Return when the status that `fleetgate status` shows satisfies the condition."""
    await asyncio.to_thread(serving.until, lambda: true(serving.status()))


def member(report: Json, name: str) -> Json:
    return next(found for found in report["members"] if found["id"] == name)


def acknowledged(report: Json) -> bool:
    """Whether an Envoy is connected and has acknowledged everything."""
    return any(
        all(kind in envoy["types"] for kind in ("CDS", "EDS", "LDS", "SRDS"))
        and not any(view["pending"] for view in envoy["types"].values())
        for envoy in report["envoys"]
    )


async def scale(site: Site, origin: str, replicas: int) -> None:
    """Scale the Deployment in a member, and wait until its Pods run."""
    await asyncio.to_thread(site.reader.scale, origin, "web", replicas)
    await site.kubelet.sync()


async def answered_by_new_pod(site: Site, asking: Load, origin: str) -> None:
    """Scale a member up, and wait for an answer of a new Pod."""
    old = {pod.name for pod in site.kubelet.pods(origin)}
    await scale(site, origin, 3)
    [new] = {pod.name for pod in site.kubelet.pods(origin)} - old
    async with asyncio.timeout(PATIENCE):
        await asking.until(lambda one: one.pod == new)


def test_the_api_server_of_the_hub(clusters: Clusters, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            with serve(ready) as serving:
                async with envoy(ready, serving.xds_port), load(ready) as asking:
                    await asyncio.to_thread(ready.hub.kill)
                    await until_status(serving, lambda s: s["hub"]["state"] == "unreachable")
                    await answered_by_new_pod(ready, asking, CLUSTER_2)
                    await asyncio.to_thread(ready.hub.start)
                    await ready.apply(pods.ingress("new", host="new.test"), "new.yaml")
                    shown = ("get", "ingress", "new", "-ojsonpath={.status}")
                    await shows(ready.hub, *shown, wanted=[ready.address[0]])

    asyncio.run(scenario())


def test_the_api_server_of_a_member(clusters: Clusters, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            with serve(ready) as serving:
                async with envoy(ready, serving.xds_port), load(ready) as asking:
                    await asyncio.to_thread(clusters.c2.kill)
                    await shows(ready.hub, *REMOTE, wanted=["Failed"])
                    assert member(serving.status(), CLUSTER_2)["since"]
                    await answered_by_all(asking, time.monotonic())
                    await asyncio.to_thread(clusters.c2.start)
                    await answered_by_new_pod(ready, asking, CLUSTER_2)
                    well = f'[{{"clusterId":"{CLUSTER_1}"}},{{"clusterId":"{CLUSTER_2}"}}]'
                    await shows(ready.hub, *REMOTE, wanted=[well])

    asyncio.run(scenario())


def test_the_way_to_a_member_in_which_pods_come_and_go_meanwhile(
    clusters: Clusters, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            cable = Cable(clusters.c2.url)
            with closing(cable):
                name_member(ready.hub, CLUSTER_2, cabled(clusters, cable))
                await declare(ready)
                with serve(ready) as serving:
                    async with envoy(ready, serving.xds_port), load(ready) as asking:
                        await asyncio.to_thread(cable.cut)
                        await until_status(
                            serving, lambda s: member(s, CLUSTER_2)["state"] == "unreachable"
                        )
                        await scale(ready, CLUSTER_2, 0)
                        await asking.answered(500)
                        await scale(ready, CLUSTER_2, 1)
                        await asyncio.to_thread(cable.mend)
                        [new] = ready.kubelet.pods(CLUSTER_2)
                        async with asyncio.timeout(PATIENCE):
                            await asking.until(lambda one: one.pod == new.name)

    asyncio.run(scenario())


def cabled(clusters: Clusters, cable: Cable) -> dict[str, Any]:
    config = clusters.c2.config()
    config["clusters"][0]["cluster"]["server"] = cable.url
    return config


def test_a_member_that_is_away_at_the_start_delays_nobody(
    clusters: Clusters, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            await asyncio.to_thread(clusters.c2.kill)
            with serve(ready) as serving:
                async with envoy(ready, serving.xds_port):
                    asking = steady(ready.address)
                    async with asking.running():
                        await answered_by_all(asking, members=[CLUSTER_1])
                        shown = await shows(ready.hub, *REMOTE, wanted=["Failed"])
                        well, lost = json.loads(shown)
                        assert well == {"clusterId": CLUSTER_1}
                        assert (lost["clusterId"], lost["status"]) == (CLUSTER_2, "Failed")
                        assert lost["message"]
                        await asyncio.to_thread(clusters.c2.start)
                        await answered_by_all(asking)
                    assert asking.tally().failures == {}

    asyncio.run(scenario())


def test_all_at_once_with_what_was_read_on_disk(clusters: Clusters, tmp_path: Path) -> None:
    """A restart while neither the hub nor a member answers keeps all stored objects."""

    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            kept = tmp_path / "state"
            state = ("--state-dir", str(kept))
            with serve(ready, *state) as serving:
                port = str(serving.xds_port)
                async with envoy(ready, serving.xds_port), load(ready) as asking:
                    await asyncio.to_thread(serving.until, lambda: len(files_in(kept)) == 3)
                    serving.kill()
                    for server in (clusters.hub, clusters.c2):
                        await asyncio.to_thread(server.kill)
                    with serve(ready, *state, "--xds-port", port, log="again") as serving_again:
                        await until_status(serving_again, lambda s: len(s["envoys"]) == 1)
                        await until_status(serving_again, acknowledged)
                        await answered_by_all(asking, time.monotonic())
                        for server in (clusters.hub, clusters.c2):
                            await asyncio.to_thread(server.start)
                        await answered_by_new_pod(ready, asking, CLUSTER_2)

    asyncio.run(scenario())


def test_the_control_plane(clusters: Clusters, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            with serve(ready) as serving:
                port = str(serving.xds_port)
                async with envoy(ready, serving.xds_port), load(ready) as asking:
                    serving.kill()
                    await asking.answered(300)
                    with serve(ready, "--xds-port", port, log="again") as serving_again:
                        await until_status(serving_again, lambda s: len(s["envoys"]) == 1)
                        await answered_by_new_pod(ready, asking, CLUSTER_2)

    asyncio.run(scenario())


def test_the_pods_of_a_member(clusters: Clusters, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            with serve(ready) as serving:
                async with envoy(ready, serving.xds_port), load(ready) as asking:
                    await ready.kubelet.kill(CLUSTER_2)
                    await asking.answered(500)
                    await ready.settle(serving)
                    await asking.answered(200)
                    ready.kubelet.revive(CLUSTER_2)
                    await ready.settle(serving)

    asyncio.run(scenario())
