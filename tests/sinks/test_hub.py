"""The leader of several replicas writes statuses and events."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.kubernetes.lease import Leader, LeaseSettings
from fleet.parse import parse
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.sinks.hub import HubSink
from fleet.sinks.notices import EventSettings
from tests.sinks.rig import (
    Audited,
    alb,
    apply,
    audited,
    gateway,
    gateway_ref,
    ingress_manifest,
    ingress_ref,
    kubectl,
    running,
)
from tests.support.kube import Cluster
from translators.dialects import DIALECTS

DEPLOY = Path(__file__).parents[2] / "deploy" / "hub"
GW = gateway_ref()
SHOP = ingress_ref("shop")
PROBLEM = Problem(SHOP, "InvalidValue", "key", "x", "a boolean")
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
SETTINGS = LeaseSettings(lease=600, renew=500, retry=1)


def replica(api: Audited, name: str) -> tuple[HubSink, Leader]:
    return HubSink(api, DIALECTS.kinds, name), Leader(api, "default", name, SETTINGS)


def on_objects(api: Audited) -> list[str]:
    """The writes, without those of the Lease."""
    return [asked.path for asked in api.written if "/leases" not in asked.path]


def test_only_the_leader_writes_and_the_next_one_goes_on_where_it_stopped(hub: Cluster) -> None:
    apply(hub, gateway(), ingress_manifest("shop"))

    async def script() -> None:
        async with audited(hub) as first, audited(hub) as second:
            one, two = replica(first, "one"), replica(second, "two")
            for sink, _ in (one, two):
                sink.want_statuses({GW: {"phase": "Listening"}, SHOP: ADDRESS})
                sink.want_events([PROBLEM])
            leading = asyncio.create_task(one[1].run(one[0].run))
            await first.until(lambda: len(on_objects(first)) == 3)
            async with running(two[1].run(two[0].run)):
                await second.until(lambda: bool(second.answered))
                assert {"/leases" in asked.path for asked in second.asked} == {True}
                leading.cancel()
                await asyncio.gather(leading, return_exceptions=True)
                two[0].want_statuses({GW: {"phase": "Failed", "message": "m"}})
                await second.until(lambda: bool(on_objects(second)))
                two[0].changed([GW, SHOP])
                two[0].want_statuses({SHOP: {"loadBalancer": {}}})
                await second.until(lambda: len(on_objects(second)) == 2)
            assert len(on_objects(first)) == 3
        shown = await kubectl(hub, "get", GW.kind, "gw", "--output=jsonpath={.status}")
        assert json.loads(shown) == {"phase": "Failed", "message": "m"}

    asyncio.run(script())


def test_what_fleetgate_writes_is_no_change_of_what_it_reads(hub: Cluster) -> None:
    apply(hub, gateway(), ingress_manifest("shop"))

    async def read(kind: str, name: str) -> tuple[Any, str]:
        found = json.loads(await kubectl(hub, "get", kind, name, "--output=json"))
        return parse(found, "", "", DIALECTS.kinds), found["metadata"]["resourceVersion"]

    async def script() -> None:
        before = [await read("ingress", "shop"), await read("mseingressconfig", "gw")]
        async with audited(hub) as api:
            sink = HubSink(api, DIALECTS.kinds, "one")
            sink.want_statuses({GW: {"phase": "Listening"}, SHOP: ADDRESS})
            sink.want_events([PROBLEM])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 3)
        after = [await read("ingress", "shop"), await read("mseingressconfig", "gw")]
        assert [model for model, _ in after] == [model for model, _ in before]
        assert all(new != old for (_, new), (_, old) in zip(after, before, strict=True))

    asyncio.run(script())


def test_the_rights_that_are_shipped_are_enough(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    apply(hub, gateway(), alb(), ingress_manifest("shop"))
    own = "fleetgate-system"
    hub.namespace(own)
    for file in ("service-account.yaml", "fleet-rbac.yaml", "own-rbac.yaml"):
        hub.kubectl("apply", f"--namespace={own}", f"--filename={DEPLOY / file}")
    token = hub.kubectl("create", "token", "fleetgate", f"--namespace={own}").strip()
    statuses: dict[Ref, dict[str, Any]] = {
        GW: {"phase": "Listening"},
        SHOP: ADDRESS,
        Ref(HUB, "AlbConfig", "", "alb"): {"loadBalancer": {"id": "alb-1"}},
    }

    async def script() -> None:
        async with audited(hub, token) as api:
            quick = EventSettings(lasting=timedelta(0), look=timedelta(milliseconds=50))
            sink = HubSink(api, DIALECTS.kinds, "one", events=quick)
            sink.want_statuses(statuses)
            sink.want_events([PROBLEM, replace(PROBLEM, at=GW)])
            leader = Leader(api, own, "one", SETTINGS)
            async with running(leader.run(sink.run)):
                # Each event is written and repeated.
                await api.until(lambda: len(on_objects(api)) >= len(statuses) + 4)

    asyncio.run(script())
    assert [r for r in caplog.records if r.name.startswith("fleet.")] == []
