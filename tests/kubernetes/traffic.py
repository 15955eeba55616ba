"""Traffic for a site: a Service in members, a gateway, an Envoy, and requests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fleetgate.bootstrap import BootstrapSettings
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import Load
from fleetgate.local.envoy_process import Envoy
from tests.kubernetes.rig import Site
from tests.support import running_fleet as pods
from tests.support.process import PATIENCE, Fleetgate, fleetgate

MEMBERS = (CLUSTER_1, CLUSTER_2)
GATEWAY = "gw"
QUESTION = Question("/", "web.test")


async def declare(site: Site, members: Sequence[str] = MEMBERS) -> None:
    """Declare a gateway, and a Service with two Pods in each member; returns when they run."""
    for member in members:
        text = pods.deployment(env=member, replicas=2) + pods.service()
        await site.apply(text, "web.yaml", to=member)
    rule = pods.ingress(host=QUESTION.host)
    await site.apply(pods.gateway(GATEWAY, MEMBERS) + rule, "gateway.yaml")
    await site.kubelet.sync()


@asynccontextmanager
async def envoy(site: Site, xds_port: int, name: str = "envoy") -> AsyncIterator[Envoy]:
    """Run an Envoy of the gateway while the block runs, which begins when it takes connections."""
    settings = BootstrapSettings(xds_port=xds_port, node_id=name)
    running = Envoy(f"mse/{GATEWAY}", settings, site.place / f"{name}.log")
    async with running.running():
        await accepting(site.address)
        yield running


async def accepting(address: Address) -> None:
    """Return when a server takes connections at the address."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection(*address)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


def steady(address: Address) -> Load:
    """About 700 requests a second, which leaves time for processes that are killed and started."""
    return Load(address, QUESTION, connections=8, pause=timedelta(milliseconds=10))


@asynccontextmanager
async def load(site: Site) -> AsyncIterator[Load]:
    """Send requests while the block runs, and fail if one of them fails."""
    asking = steady(site.address)
    async with asking.running():
        await answered_by_all(asking)
        yield asking
        await answered_by_all(asking, asking.asked[-1].ended)
    assert asking.tally().failures == {}


async def answered_by_all(
    asking: Load, since: float = 0.0, members: Sequence[str] = MEMBERS
) -> None:
    """Return when each member has answered a request that began after `since`."""
    async with asyncio.timeout(PATIENCE):
        for member in members:
            await asking.until_answered_by(member, since)


def serve(
    site: Site, *options: str | Path, log: str = "fleetgate"
) -> AbstractContextManager[Fleetgate]:
    """Run `fleetgate serve` as administrator of the hub while the block runs."""
    command = ("serve", *site.hub_options, *site.listening, *options)
    return fleetgate(site.place / f"{log}.log", *command)
