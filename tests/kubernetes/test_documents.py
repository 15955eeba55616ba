"""Runs the documents' examples, command by command, on real API servers with a real Envoy.

fleetgate has only the rights that deploy/ gives it.
"""

import asyncio
import io
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.http import Address
from fleetgate.demo.page import Page
from fleetgate.demo.walk import Walk
from tests.kubernetes.rig import HOME, Site, name_member, shows, site, token_of
from tests.servers.binaries import find
from tests.support import netns
from tests.support.kube import Cluster, Clusters
from tests.support.process import Fleetgate, fleetgate
from tests.support.requirement import require

GATEWAYS = ("ackone-gateway", "ackone-gateway-hongkong", "annotated-gateway")
PHASES = ["Pending", "Running", "Listening"]


@dataclass
class ReadersView:
    """The checks that a reader of the documents makes between two steps."""

    site: Site
    serving: Fleetgate
    gateways: list[str] = field(default_factory=list)
    looks: int = 0

    async def sync(self) -> None:
        """Wait until the fleet is in sync, and check the addresses of all Ingresses."""
        await asyncio.to_thread(self.serving.sync)
        listed = await shows(self.site.hub, "get", "ingress", "-A", "-ojson", wanted=["items"])
        for item in json.loads(listed)["items"]:
            await self._look(item["metadata"]["name"], item["metadata"]["namespace"])

    async def address(self, gateway: str) -> Address:
        """Wait until kubectl shows that a gateway listens, check its members, give its address."""
        hub, one = self.site.hub, ("get", "mseingressconfig", gateway)
        head, row = (await shows(hub, *one, wanted=["Listening"])).splitlines()
        assert head.split() == ["NAME", "STATUS", "AGE"]
        assert re.fullmatch(rf"{gateway} +Listening +\d+s", row)
        output = "-ojsonpath={.status.remoteClusters}"
        assert await shows(hub, *one, output, wanted=["clusterId"]) == (
            f'[{{"clusterId":"{CLUSTER_1}"}},{{"clusterId":"{CLUSTER_2}"}}]'
        )
        self.gateways.append(gateway)
        return self.site.address

    async def _look(self, name: str, namespace: str) -> None:
        host, _ = self.site.address
        hub, one = self.site.hub, ("get", "ingress", name, "-n", namespace)
        status = await shows(hub, *one, "-ojsonpath={.status.loadBalancer}", wanted=["ip"])
        assert status == f'{{"ingress":[{{"ip":"{host}"}}]}}'
        head, row = (await shows(hub, *one, wanted=[host])).splitlines()
        assert head.split() == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
        assert row.split()[:5] == [name, "mse", "example.com", host, "80"]
        self.looks += 1


@pytest.mark.timeout(300)  # 38,000 requests, 100 commands
def test_every_example_of_the_documents_holds(
    clusters: Clusters, tmp_path: Path, real_envoy: None
) -> None:
    require(netns.available())
    page = Page.on(io.StringIO(), {})

    async def walk() -> None:
        async with site(clusters, tmp_path) as ready:
            kubeconfig = await asyncio.to_thread(least_privileged, clusters, tmp_path)
            hub = ("--hub-kubeconfig", str(kubeconfig), "--write-status")
            command = ("up", *hub, *ready.listening)
            with (
                fleetgate(tmp_path / "fleetgate.log", *command) as serving,
                statuses(ready.hub, tmp_path / "watch.log") as seen,
            ):
                reading = ReadersView(ready, serving)
                outcome = await Walk(ready.reader, ready.kubelet, reading, page).run()
                refusals = [line for line in serving.text.splitlines() if "forbidden" in line]
        shown = page.stream.getvalue()  # type: ignore[attr-defined]  # a StringIO
        assert (outcome.held, outcome.failed) == (14, 0), shown
        assert reading.gateways == [*GATEWAYS]
        assert reading.looks > outcome.held
        assert refusals == []
        for gateway in GATEWAYS:
            walked = [phase for name, phase in seen if name == gateway]
            assert (walked[0], walked[-1]) == (PHASES[0], PHASES[-1])
            assert walked == sorted(walked, key=PHASES.index), "never back"

    asyncio.run(walk())


def least_privileged(clusters: Clusters, place: Path) -> Path:
    """Make kubeconfigs of fleetgate's own accounts for all servers, and give the hub's."""
    path = place / "hub.kubeconfig"
    token = token_of(clusters.hub, "hub", HOME, "fleetgate")
    path.write_text(json.dumps(clusters.hub.config(token)))
    for member, cluster in ((CLUSTER_1, clusters.c1), (CLUSTER_2, clusters.c2)):
        token = token_of(cluster, "member", "fleetgate-member", "fleetgate-member")
        name_member(clusters.hub, member, cluster.config(token))
    return path


@contextmanager
def statuses(hub: Cluster, log: Path) -> Iterator[list[tuple[str, str]]]:
    """Watch gateways by kubectl while the block runs. At the end, the list has their STATUS."""
    seen: list[tuple[str, str]] = []
    columns = "-ocustom-columns=NAME:.metadata.name,STATUS:.status.phase"
    command = ("get", "mseingressconfigs", "--watch", "--no-headers", columns)
    with log.open("wb") as output:
        kubectl = [str(find("kubectl")), f"--kubeconfig={hub.kubeconfig}", *command]
        watching = subprocess.Popen(kubectl, stdout=output, stdin=subprocess.DEVNULL)
    try:
        yield seen
    finally:
        watching.terminate()
        watching.wait()
    rows = (line.split() for line in log.read_text().splitlines())
    seen += [(name, phase) for name, phase in rows if phase != "<none>"]
