"""Gateways keep the addresses of their Services after --manage-gateways is switched off."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from fleet.models import GatewayObject
from fleet.ref import HUB, Ref
from fleetgate.hub.managed.addresses import StandingAddresses
from tests.managed.rig import NAMESPACE, PATIENCE, Gateways, Hub, gateway, read
from tests.sinks.rig import audited
from translators.dialects import DIALECTS

Json: TypeAlias = Any  # as kubectl prints it

SHOP = Ref(HUB, "MseIngressConfig", "", "shop")
NAME = "envoy-mse-shop"


def service(owner: Json, name: str = NAME) -> Json:
    """A Service of a gateway, as fleetgate has written it."""
    metadata = owner["metadata"]
    reference = {key: owner[key] for key in ("apiVersion", "kind")} | {
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
    labels = {"app.kubernetes.io/managed-by": "fleetgate", "fleetgate.dev/gateway": NAME}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [reference]},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }


def locate(hub: Hub, address: str, name: str = NAME) -> None:
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    hub.kubectl(
        *("patch", "service", name, "--subresource=status", "--type=merge"),
        f"--patch={json.dumps(status)}",
    )


def declare(hub: Hub, *names: str) -> Gateways:
    """Declare gateways, each with a Service at 203.0.113.7."""
    found: dict[Ref, GatewayObject] = {}
    for name in names:
        found |= hub.declare(gateway(name))
        made = f"envoy-mse-{name}"
        owner = hub.get("mseingressconfig", name)
        hub.kubectl("apply", "--filename=-", stdin=json.dumps(service(owner, made)))
        locate(hub, "203.0.113.7", made)
    return found


class Followed:
    """The addresses while they are followed."""

    def __init__(self, standing: StandingAddresses) -> None:
        self.standing = standing
        self._changed = asyncio.Event()
        standing.on_change(self._changed.set)

    async def until(self, wanted: Mapping[Ref, tuple[str, ...]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.standing.addresses != wanted:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def followed(hub: Hub, gateways: Gateways) -> AsyncIterator[Followed]:
    async with audited(hub.cluster) as api:
        found = Followed(StandingAddresses(api, NAMESPACE, DIALECTS))
        observing = asyncio.create_task(found.standing.observe())
        found.standing.want(gateways)
        try:
            yield found
        finally:
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)
            assert {asked.method for asked in api.asked} == {"GET"}


def test_addresses_are_those_of_the_services_while_they_stand(hub: Hub) -> None:
    async def story() -> None:
        gateways = await asyncio.to_thread(declare, hub, "shop", "web")
        async with followed(hub, {SHOP: gateways[SHOP]}) as found:
            await found.standing.observed()
            assert found.standing.addresses == {SHOP: ("203.0.113.7",)}
            await asyncio.to_thread(locate, hub, "203.0.113.8")
            await found.until({SHOP: ("203.0.113.8",)})
            await asyncio.to_thread(hub.kubectl, "delete", "service", NAME)
            await found.until({})

    asyncio.run(story())


def test_a_gateway_that_says_its_addresses_itself_is_believed(hub: Hub) -> None:
    async def story() -> None:
        gateways = await asyncio.to_thread(declare, hub, "shop")
        manifest = gateway("shop")
        manifest["metadata"]["annotations"] = {"fleetgate.dev/addresses": "198.51.100.1"}
        async with followed(hub, gateways) as found:
            await found.until({SHOP: ("203.0.113.7",)})
            found.standing.want(dict([read(manifest)]))
            assert found.standing.addresses == {}
            found.standing.want(gateways)
            assert found.standing.addresses == {SHOP: ("203.0.113.7",)}

    asyncio.run(story())


def test_a_service_of_the_same_name_that_goes_with_something_else_is_not_meant(hub: Hub) -> None:
    async def story() -> None:
        gateways = await asyncio.to_thread(declare, hub, "shop", "web")
        web = await asyncio.to_thread(hub.get, "mseingressconfig", "web")
        theirs = json.dumps(service(web))
        await asyncio.to_thread(hub.kubectl, "delete", "service", NAME)
        await asyncio.to_thread(hub.kubectl, "apply", "--filename=-", stdin=theirs)
        await asyncio.to_thread(locate, hub, "203.0.113.9")
        async with followed(hub, gateways) as found:
            await found.standing.observed()
            assert SHOP not in found.standing.addresses

    asyncio.run(story())


def test_who_may_not_see_services_waits_for_nothing_and_says_why(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.kubectl("create", "serviceaccount", "nobody")
    token = hub.kubectl("create", "token", "nobody").strip()

    async def story() -> None:
        async with audited(hub.cluster, token) as api:
            standing = StandingAddresses(api, NAMESPACE, DIALECTS)
            observing = asyncio.create_task(standing.observe())
            async with asyncio.timeout(PATIENCE):
                await standing.observed()
            observing.cancel()
            await asyncio.gather(observing, return_exceptions=True)

    asyncio.run(story())
    (said,) = (record.getMessage() for record in caplog.records if record.name.startswith("fleet"))
    assert said.startswith("gateways' load balancers are not followed")
    assert "cannot list resource" in said
