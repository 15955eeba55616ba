"""The checks that a reader of the documents makes by kubectl between two steps."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.ref import Ref
from fleetgate.demo.fleet import CLUSTER_1, CLUSTER_2
from fleetgate.demo.http import Address
from fleetgate.demo.walk import Listing
from tests.kubernetes.rig import Site, shows
from tests.support.process import Fleetgate


@dataclass
class ReadersView:
    """Looks at gateways of both kinds, and at the Ingresses on the hub."""

    site: Site
    serving: Fleetgate
    gateways: list[str] = field(default_factory=list)
    looks: int = 0

    async def sync(self) -> None:
        """Wait until the fleet is in sync, and check the addresses of all Ingresses."""
        await asyncio.to_thread(self.serving.sync)
        listed = await shows(self.site.hub, "get", "ingress", "-A", "-ojson", wanted=["items"])
        for item in json.loads(listed)["items"]:
            await self._look(item["metadata"], item["spec"])

    async def address(self, gateway: Ref) -> Address:
        """Wait until kubectl shows that a gateway listens, check its row, give its address.

        The address is that of its first listener.
        """
        self.gateways.append(gateway.name)
        if gateway.kind == "AlbConfig":
            await self._alb(gateway.name)
            host, port = self.site.address
            listeners = await self._get(gateway, "{.spec.listeners[0].port}", "0")
            return host, port - 80 + int(listeners)
        await self._mse(gateway.name)
        return self.site.address

    async def listing(self, gateway: Ref) -> Listing:
        """Return what kubectl shows of an AlbConfig.

        A column of kubectl has the first listener only, so the others are taken from the status.
        """
        columns = await self._alb(gateway.name)
        balancer = json.loads(await self._get(gateway, "{.status.loadBalancer}", "subClusters"))
        ports = ",".join(each["portAndProtocol"] for each in balancer["listeners"])
        assert columns["PORT&PROTOCOL"] == ports.partition(",")[0]
        return Listing({**columns, "PORT&PROTOCOL": ports}, tuple(balancer["subClusters"]))

    async def event(self, ingress: Ref, reason: str) -> str:
        """Wait until kubectl shows an event of an Ingress, and return its text."""
        one = f"involvedObject.kind=Ingress,involvedObject.name={ingress.name},reason={reason}"
        command = ("get", "events", "-n", ingress.namespace, f"--field-selector={one}", "-ojson")
        found = json.loads(await shows(self.site.hub, *command, wanted=[reason]))["items"]
        assert {each["type"] for each in found} == {"Warning"}
        return str(found[-1]["message"])

    async def _mse(self, name: str) -> None:
        one = ("get", "mseingressconfig", name)
        head, row = (await shows(self.site.hub, *one, wanted=["Listening"])).splitlines()
        assert head.split() == ["NAME", "STATUS", "AGE"]
        assert re.fullmatch(rf"{name} +Listening +\d+s", row)
        output = "-ojsonpath={.status.remoteClusters}"
        assert await shows(self.site.hub, *one, output, wanted=["clusterId"]) == (
            f'[{{"clusterId":"{CLUSTER_1}"}},{{"clusterId":"{CLUSTER_2}"}}]'
        )

    async def _alb(self, name: str) -> Mapping[str, str]:
        """Wait until the row has an ID, and return the row without name and age."""
        host, _ = self.site.address
        one = ("get", "albconfig", name)
        listening = '-ojsonpath={.status.conditions[?(@.type=="Listening")].status}'
        await shows(self.site.hub, *one, listening, wanted=["True"])
        table = (await shows(self.site.hub, *one, wanted=[host])).splitlines()
        assert table[0].split() == ["NAME", "ALBID", "DNSNAME", "PORT&PROTOCOL", "CERTID", "AGE"]
        cells = _cells(*table)
        assert (cells["NAME"], cells["ALBID"], cells["DNSNAME"]) == (name, f"alb-{name}", host)
        assert re.fullmatch(r"\d+s", cells["AGE"])
        return {head: text for head, text in cells.items() if head not in {"NAME", "AGE"}}

    async def _get(self, gateway: Ref, path: str, wanted: str) -> str:
        one = ("get", gateway.kind.lower(), gateway.name, f"-ojsonpath={path}")
        return await shows(self.site.hub, *one, wanted=[wanted])

    async def _look(self, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        host, _ = self.site.address
        one = ("get", "ingress", metadata["name"], "-n", metadata["namespace"])
        path = "-ojsonpath={.status.loadBalancer}"
        status = await shows(self.site.hub, *one, path, wanted=["ip"])
        assert status == f'{{"ingress":[{{"ip":"{host}"}}]}}'
        head, row = (await shows(self.site.hub, *one, wanted=[host])).splitlines()
        assert head.split() == ["NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"]
        hosts = ",".join(rule["host"] for rule in spec["rules"])
        shown = [metadata["name"], spec["ingressClassName"], hosts, host, "80"]
        assert row.split()[:5] == shown
        self.looks += 1


def _cells(head: str, row: str) -> Mapping[str, str]:
    """Return the cells of a row by the heads, below which they begin. A cell may be empty."""
    starts = [match.start() for match in re.finditer(r"\S+", head)]
    ends = [*starts[1:], len(row)]
    texts = [row[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return dict(zip(head.split(), texts, strict=True))
