"""A fleet on three real API servers, with its Pods, which a test changes by kubectl."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fleet.ref import HUB
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2, DemoFleet
from fleetgate.demo.http import Address
from fleetgate.demo.loopback import Loopback
from fleetgate.demo.pod import Pace
from tests.support import netns
from tests.support.kube import Cluster, Clusters
from tests.support.kube_members import KubeMembers
from tests.support.pod_network import PodNetwork
from tests.support.process import Fleetgate, until
from tests.support.reader import Reader

HOME: Final = "fleetgate-system"
DEPLOY: Final = Path(__file__).parents[2] / "deploy"

AT_ONCE: Final = Pace(unready_after=timedelta(milliseconds=50), restart_after=timedelta(hours=1))
"""A dead Pod becomes unready after 50 ms, and is not restarted."""


@dataclass(frozen=True, slots=True)
class Site:
    """A hub with two members; `address` is where the first gateway listens."""

    clusters: Clusters
    reader: Reader
    kubelet: KubeMembers
    address: Address
    place: Path

    @property
    def hub(self) -> Cluster:
        return self.clusters.hub

    @property
    def listening(self) -> tuple[str, ...]:
        """Options that put the gateways on this address, and all other listeners on free ports."""
        host, port = self.address
        gateways = ("--bind", host, "--port-offset", str(port - 80))
        return (*gateways, "--xds-port", "0", "--admin-port", "0")

    @property
    def hub_options(self) -> tuple[str, ...]:
        return ("--hub-kubeconfig", str(self.hub.kubeconfig), "--namespace", HOME)

    async def apply(self, text: str, file: str, *, to: str = HUB) -> None:
        """Write manifests into a file, in place of its former content, and apply it."""
        await asyncio.to_thread(self.reader.apply, text, file, to=to)

    async def settle(self, *serving: Fleetgate) -> None:
        """Return when all declared Pods run, and every Envoy has acknowledged the configuration."""
        await self.kubelet.sync()
        for each in serving:
            await asyncio.to_thread(each.sync)


@asynccontextmanager
async def site(clusters: Clusters, place: Path) -> AsyncIterator[Site]:
    """Run a hub that knows two members while the block runs; no fleetgate serves it yet."""
    hub, c1, c2 = await asyncio.to_thread(clusters.all)
    members = {CLUSTER_1: c1, CLUSTER_2: c2}
    await asyncio.to_thread(_prepare, hub, members)
    files = DemoFleet.create(place / "reader")
    reader = Reader(files.root, servers={HUB: hub, **members})
    with closing(Loopback()) as loopback, netns.namespace() as namespace:
        kubelet = KubeMembers(place / "members", members, AT_ONCE, PodNetwork(namespace))
        address = f"{namespace.gateways}1", loopback.port(80)
        async with kubelet.running():
            yield Site(clusters, reader, kubelet, address, place)


def _prepare(hub: Cluster, members: dict[str, Cluster]) -> None:
    hub.install_crds()
    hub.namespace(HOME)
    for cluster in (hub, *members.values()):
        for name in ("web-demo", "gateway-demo", "demo"):
            cluster.namespace(name)
    for member, cluster in members.items():
        name_member(hub, member, cluster.config())


def name_member(hub: Cluster, member: str, kubeconfig: dict[str, Any]) -> None:
    """Create the Secret on the hub that names a member."""
    metadata = {"name": f"member-{member[:6]}", "labels": {"fleetgate.dev/member": member}}
    data = {"kubeconfig": json.dumps(kubeconfig)}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    hub.kubectl("apply", "-n", HOME, "-f", "-", stdin=json.dumps(secret))


def token_of(cluster: Cluster, installed: str, namespace: str, account: str) -> str:
    """Apply the manifests of a folder of deploy/, and give a token of an account in it."""
    cluster.kubectl("apply", "-k", str(DEPLOY / installed))
    return cluster.kubectl("create", "token", "-n", namespace, account).strip()


def least_privileged(clusters: Clusters, place: Path) -> Path:
    """Make kubeconfigs of fleetgate's own accounts for all servers, and give the hub's."""
    path = place / "hub.kubeconfig"
    token = token_of(clusters.hub, "hub", HOME, "fleetgate")
    path.write_text(json.dumps(clusters.hub.config(token)))
    for member, cluster in ((CLUSTER_1, clusters.c1), (CLUSTER_2, clusters.c2)):
        token = token_of(cluster, "member", "fleetgate-member", "fleetgate-member")
        name_member(clusters.hub, member, cluster.config(token))
    return path


async def shows(cluster: Cluster, *command: str, wanted: Iterable[str]) -> str:
    """Run kubectl until its output contains all of these texts, and give the output."""
    found: list[str] = []

    def there() -> bool:
        found[:] = [cluster.kubectl(*command)]
        return all(one in found[0] for one in wanted)

    await asyncio.to_thread(until, there, why=lambda: found[0])
    return found[0]
