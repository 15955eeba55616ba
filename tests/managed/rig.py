"""Gateways that are run on a real hub, and what a test sees of them there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fleet.events import Upserted
from fleet.models import GatewayObject
from fleet.parse import parse
from fleet.ref import HUB, Ref
from fleetgate.certificates.credential import Credential
from fleetgate.hub.managed.managed_gateways import GatewayCertificates, ManagedGateways, Pace
from fleetgate.hub.managed.manifests import Key
from fleetgate.hub.managed.settings import ManagedSettings
from tests.sinks.rig import Audited, Gate
from tests.support.kube import Cluster
from translators.dialects import DIALECTS

Json: TypeAlias = Any  # as kubectl prints it
Gateways: TypeAlias = Mapping[Ref, GatewayObject]

NAMESPACE = "fleetgate-system"
PATIENCE = 20.0
"""Seconds that a test waits for what must come, generous for a machine with more to do."""

PACE = Pace(calm=0.01, retry=0.05)
"""Repairs at once: a test that waits for them waits for nothing else."""

KINDS = ("deployment", "service", "poddisruptionbudget", "configmap", "secret", "serviceaccount")


def gateway(name: str = "shop", **common: Json) -> Json:
    """A gateway of a size such as instance={"spec": "2c4g"}."""
    return {
        "apiVersion": "mse.alibabacloud.com/v1alpha1",
        "kind": "MseIngressConfig",
        "metadata": {"name": name},
        "spec": {"common": common, "ingress": {"local": {"ingressClass": "mse"}}},
    }


def alb(name: str = "web", *ports: int | str, **config: Json) -> Json:
    """An AlbConfig with HTTP listeners at these ports."""
    listeners = [{"port": port, "protocol": "HTTP"} for port in ports]
    return {
        "apiVersion": "alibabacloud.com/v1",
        "kind": "AlbConfig",
        "metadata": {"name": name},
        "spec": {"config": config, "listeners": listeners},
    }


def annotated(manifest: Json, annotations: Json) -> Json:
    """The manifest with annotations."""
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def read(manifest: Json) -> tuple[Ref, GatewayObject]:
    """What fleetgate reads of a manifest."""
    parsed = parse(manifest, HUB, "test", DIALECTS.kinds)
    assert isinstance(parsed, Upserted)
    assert isinstance(parsed.value, GatewayObject)
    assert not parsed.problems
    return parsed.ref, parsed.value


@dataclass
class Hub:
    """The hub as a user of kubectl sees it, in fleetgate's namespace."""

    cluster: Cluster

    def declare(self, *manifests: Json) -> Gateways:
        """Apply gateways; what fleetgate reads of them afterwards."""
        body = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.cluster.kubectl("apply", "--filename=-", stdin=json.dumps(body))
        names = [(one["kind"].lower(), one["metadata"]["name"]) for one in manifests]
        return dict(read(self.get(kind, name)) for kind, name in names)

    def kubectl(self, *args: str, stdin: str = "") -> str:
        return self.cluster.kubectl(f"--namespace={NAMESPACE}", *args, stdin=stdin)

    def get(self, kind: str, name: str = "envoy-mse-shop") -> Json:
        return json.loads(self.kubectl("get", kind, name, "--output=json"))

    def names(self) -> dict[str, list[str]]:
        """The names of all that is there, by kind."""
        found = json.loads(self.kubectl("get", ",".join(KINDS), "--output=json"))["items"]
        return {
            kind: sorted(o["metadata"]["name"] for o in found if o["kind"].lower() == kind)
            for kind in KINDS
        }

    def versions(self) -> dict[str, str]:
        """Which version of each object stands there: a write changes it."""
        found = json.loads(self.kubectl("get", ",".join(KINDS), "--output=json"))["items"]
        return {
            f"{o['kind']} {o['metadata']['name']}": o["metadata"]["resourceVersion"] for o in found
        }


@dataclass
class Running:
    """Managed gateways at work."""

    managed: ManagedGateways
    api: Audited
    hub: Hub
    addresses_changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def by_hand(self, *args: str, stdin: str = "") -> str:
        """What somebody does with kubectl."""
        return await asyncio.to_thread(self.hub.kubectl, *args, stdin=stdin)

    async def declare(self, *manifests: Json) -> None:
        """Apply gateways, which are then all that there are."""
        self.managed.want(await asyncio.to_thread(self.hub.declare, *manifests))

    async def get(self, kind: str, name: str = "envoy-mse-shop") -> Json:
        return await asyncio.to_thread(self.hub.get, kind, name)

    async def names(self) -> dict[str, list[str]]:
        return await asyncio.to_thread(self.hub.names)

    async def versions(self) -> dict[str, str]:
        return await asyncio.to_thread(self.hub.versions)

    async def until(self, true: Callable[[], bool]) -> None:
        """Return when a look at the hub shows what is waited for."""
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(true):  # noqa: ASYNC110 (kubectl does not tell)
                await asyncio.sleep(0.05)

    async def heard_of(self, name: str) -> None:
        """Return when the news of the Deployment has come and a whole gateway was written since."""
        version = int((await self.get("deployment", name))["metadata"]["resourceVersion"])
        key = Key("Deployment", name)
        await self.until(lambda: _version(self.managed.objects.get(key)) >= version)
        await self.declare(gateway(), gateway("since"))
        await self.until(lambda: "envoy-mse-since" in self.hub.names()["deployment"])

    def writes_to(self, kind: str, name: str) -> int:
        """How often something was to be changed about an object."""
        return sum(asked.path.endswith(f"/{kind}s/{name}") for asked in self.api.writes)

    async def settled(self) -> None:
        """Return when the hub has taken all wanted objects."""
        async with asyncio.timeout(PATIENCE):
            while not self.managed.is_settled:  # noqa: ASYNC110 (no callback tells)
                await asyncio.sleep(0.02)

    async def addresses(self, true: Callable[[Mapping[Ref, tuple[str, ...]]], bool]) -> None:
        """Return when the addresses are as wanted."""
        async with asyncio.timeout(PATIENCE):
            while not true(self.managed.addresses):
                self.addresses_changed.clear()
                await self.addresses_changed.wait()


@dataclass
class Certificates:
    """Certificates for managed gateways, and the names of those that have not been forgotten."""

    maker: GatewayCertificates
    gateways: set[str] = field(default_factory=set)

    def client_of(self, gateway: str, held: Credential | None = None) -> Credential:
        self.gateways.add(gateway)
        return self.maker.client_of(gateway, held)

    def forget(self, gateway: str) -> None:
        self.gateways.discard(gateway)
        self.maker.forget(gateway)


@asynccontextmanager
async def running(
    hub: Hub,
    wanted: Gateways | None = None,
    certificates: GatewayCertificates | None = None,
    *,
    settings: ManagedSettings | None = None,
    pace: Pace = PACE,
    leads: bool = True,
    before: Gate | None = None,
) -> AsyncIterator[Running]:
    """Run gateways while the block runs, as the leader or as another replica."""
    api = await Audited.from_kubeconfig(hub.cluster.kubeconfig)
    assert isinstance(api, Audited)
    api.before = before
    managed = ManagedGateways(api, settings or ManagedSettings(), certificates, pace)
    found = Running(managed, api, hub)
    managed.on_change(found.addresses_changed.set)
    tasks = [asyncio.create_task(managed.observe())]
    if leads:
        tasks.append(asyncio.create_task(managed.run()))
    try:
        if wanted is not None:
            managed.want(wanted)
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await api.close()


def _version(item: Json) -> int:
    return int(item["metadata"]["resourceVersion"])
