"""The documents' examples, command by command, on three real API servers with a real Envoy."""

import asyncio
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.http import Address
from fleetgate.demo.page import Page
from fleetgate.demo.walk import Walk
from tests.kubernetes.rig import Site, shows, site
from tests.support import netns
from tests.support.kube import Clusters
from tests.support.process import Fleetgate, fleetgate
from tests.support.requirement import require

pytestmark = pytest.mark.usefixtures("real_envoy")


@dataclass
class Gateways:
    """What a reader looks at between two steps, and what it has to show."""

    site: Site
    serving: Fleetgate
    printed: list[str] = field(default_factory=list)
    addressed: int = 0

    async def sync(self) -> None:
        """Wait for what is declared, and look at the addresses of all Ingresses."""
        await asyncio.to_thread(self.serving.sync)
        address = {"ingress": [{"ip": self.site.address[0]}]}
        hub = self.site.hub
        listed = json.loads(await asyncio.to_thread(hub.kubectl, "get", "ingress", "-A", "-ojson"))
        for item in listed["items"]:
            one = item["metadata"]
            command = ("get", "ingress", one["name"], "-n", one["namespace"])
            output = "-ojsonpath={.status.loadBalancer}"
            shown = await shows(hub, *command, output, wanted=["{"])
            assert json.loads(shown) == address
            table = await shows(hub, *command, wanted=["example.com"])
            assert table.split()[:5] == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS"]
            assert table.split()[6:10] == [one["name"], "mse", "example.com", self.site.address[0]]
            self.addressed += 1

    async def address(self, gateway: str) -> Address:
        hub = self.site.hub
        self.printed.append(
            await shows(hub, "get", "mseingressconfig", gateway, wanted=["Listening"])
        )
        remote = ("get", "mseingressconfig", gateway, "-ojsonpath={.status.remoteClusters}")
        assert await asyncio.to_thread(hub.kubectl, *remote) == (
            f'[{{"clusterId":"{CLUSTER_1}"}},{{"clusterId":"{CLUSTER_2}"}}]'
        )
        return self.site.address


def test_every_example_of_the_documents_holds(clusters: Clusters, tmp_path: Path) -> None:
    require(netns.available())
    page = Page.on(io.StringIO(), {})

    async def walk() -> None:
        async with site(clusters, tmp_path) as ready:
            command = ("up", *ready.hub_options, *ready.listening)
            with fleetgate(tmp_path / "fleetgate.log", *command) as serving:
                gateways = Gateways(ready, serving)
                outcome = await Walk(ready.reader, ready.kubelet, gateways, page).run()
        shown = page.stream.getvalue()  # type: ignore[attr-defined]  # a StringIO
        assert (outcome.held, outcome.failed) == (11, 0), shown
        assert gateways.addressed > 11
        for printed, name in zip(
            gateways.printed, ("ackone-gateway", "ackone-gateway-hongkong"), strict=True
        ):
            head, row = printed.splitlines()
            assert head.split() == ["NAME", "STATUS", "AGE"]
            assert re.fullmatch(rf"{name} +Listening +\d+s", row)

    asyncio.run(walk())
