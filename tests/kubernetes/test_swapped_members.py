"""One member takes another's place under load, and no request through the real Envoy fails."""

import asyncio
from pathlib import Path

import pytest

from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.load import Load
from tests.kubernetes.rig import Site, site
from tests.kubernetes.traffic import GATEWAY, declare, envoy, serve, steady
from tests.support import netns
from tests.support.kube import Clusters
from tests.support.process import PATIENCE
from tests.support.requirement import require

pytestmark = pytest.mark.usefixtures("real_envoy")

REMOTE = "mse.alibabacloud.com/remote-clusters"


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(netns.available())


async def attach(site: Site, member: str) -> None:
    command = ("annotate", "--overwrite", "mseingressconfig", GATEWAY, f"{REMOTE}={member}")
    await asyncio.to_thread(site.hub.kubectl, *command)


async def answered_by(asking: Load, member: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await asking.until_answered_by(member, asking.asked[-1].ended if asking.asked else 0.0)


def test_a_gateway_that_swaps_its_member_answers_every_request(
    clusters: Clusters, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with site(clusters, tmp_path) as ready:
            await declare(ready)
            await attach(ready, CLUSTER_1)
            with serve(ready) as serving:
                async with envoy(ready, serving.xds_port):
                    asking = steady(ready.address)
                    async with asking.running():
                        await answered_by(asking, CLUSTER_1)
                        for member in (CLUSTER_2, CLUSTER_1, CLUSTER_2):
                            await attach(ready, member)
                            await answered_by(asking, member)
                            await asking.answered(200)
                    assert asking.tally().failures == {}
            events = ready.hub.kubectl("get", "events", "-A", "-ojsonpath={.items[*].reason}")
            assert "ServiceNotFound" not in events

    asyncio.run(scenario())
