"""Statuses are written to a real hub: kubectl shows them, and no write is needless."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest

from fleet.kubernetes.connection import Unreached
from fleet.kubernetes.patience import Patience
from fleet.ref import Ref
from fleet.sinks.statuses import StatusSettings, StatusWriter
from tests.sinks.rig import (
    Answer,
    Asked,
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

GW = gateway_ref()
SHOP = ingress_ref("shop")
LAST = gateway_ref("last")
"""A gateway whose status is written last, if one is written at a time: then a test is done."""

ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
NO_ADDRESS: dict[str, Any] = {"loadBalancer": {}}
ONE_AT_A_TIME = StatusSettings(writers=1)
AT_ONCE = StatusSettings(pause=0.0)


def writer(api: Audited, settings: StatusSettings | None = None) -> StatusWriter:
    return StatusWriter(api, DIALECTS.kinds, Patience("this test", longest=0.2), settings)


def writes_of(api: Audited, ref: Ref) -> list[Asked]:
    return [asked for asked in api.writes if asked.path.endswith(f"/{ref.name}/status")]


def written(api: Audited, *refs: Ref) -> bool:
    """Whether the status of each object was written, and the hub has answered."""
    done = {asked.path.split("/")[-2] for asked in api.written}
    return {ref.name for ref in refs} <= done


async def shown(hub: Cluster, ref: Ref, path: str) -> str:
    namespace = ["--namespace", ref.namespace] if ref.namespace else []
    return await kubectl(hub, "get", ref.kind, ref.name, *namespace, f"--output=jsonpath={path}")


async def write(api: Audited, statuses: Mapping[Ref, Mapping[str, Any]]) -> None:
    """Let a new leader write these statuses, and then stop."""
    sink = writer(api)
    sink.want(statuses)
    end = len(api.written) + len(statuses)
    async with running(sink.run()):
        await api.until(lambda: len(api.written) == end)


@pytest.mark.parametrize("phase", ["Pending", "Running", "Listening", "Failed"])
def test_kubectl_shows_the_phase(hub: Cluster, phase: str) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {GW: {"phase": phase, "remoteClusters": []}})
        lines = (await kubectl(hub, "get", "mseingressconfig", "gw")).splitlines()
        assert [line.split()[:2] for line in lines] == [["NAME", "STATUS"], ["gw", phase]]

    asyncio.run(script())


@pytest.mark.parametrize(
    ("remote", "printed"),
    [
        pytest.param(
            [{"clusterId": "c7"}, {"clusterId": "cd"}],
            '[{"clusterId":"c7"},{"clusterId":"cd"}]',
            id="well",
        ),
        pytest.param(
            [{"clusterId": "c7", "status": "Failed", "message": "unknown"}],
            '[{"clusterId":"c7","message":"unknown","status":"Failed"}]',
            id="failed",
        ),
        pytest.param([], "[]", id="none"),
    ],
)
def test_kubectl_prints_the_attached_members(
    hub: Cluster, remote: list[dict[str, str]], printed: str
) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {GW: {"phase": "Listening", "remoteClusters": remote}})
        assert await shown(hub, GW, "{.status.remoteClusters}") == printed

    asyncio.run(script())


def test_kubectl_prints_the_address_while_an_ingress_is_served_and_nothing_afterwards(
    hub: Cluster,
) -> None:
    apply(hub, ingress_manifest("shop"))

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {SHOP: ADDRESS})
            printed = await shown(hub, SHOP, "{.status.loadBalancer}")
            assert printed == '{"ingress":[{"ip":"192.0.2.7"}]}'
            await write(api, {SHOP: NO_ADDRESS})
            assert await shown(hub, SHOP, "{.status.loadBalancer}") == "{}"

    asyncio.run(script())


def test_what_is_not_in_a_status_any_more_goes(hub: Cluster) -> None:
    apply(hub, gateway())
    failed = {"clusterId": "c1", "status": "Failed", "message": "unknown"}

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {GW: {"phase": "Failed", "message": "m", "remoteClusters": [failed]}})
            await write(api, {GW: {"phase": "Running", "remoteClusters": [{"clusterId": "c1"}]}})
        assert json.loads(await shown(hub, GW, "{.status}")) == {
            "phase": "Running",
            "remoteClusters": [{"clusterId": "c1"}],
        }

    asyncio.run(script())


def test_an_alb_gateway_has_its_status_too(hub: Cluster) -> None:
    apply(hub, alb())

    async def script() -> None:
        status = {"loadBalancer": {"id": "alb-1", "subClusters": ["c1", "c2"]}}
        async with audited(hub) as api:
            await write(api, {Ref("", "AlbConfig", "", "alb"): status})
        path = "{.status.loadBalancer.subClusters}"
        assert await shown(hub, Ref("", "AlbConfig", "", "alb"), path) == '["c1","c2"]'

    asyncio.run(script())


def test_an_object_that_has_its_status_is_not_written(hub: Cluster) -> None:
    """It is not written when it is wanted again, by the next leader, or after an edit."""
    apply(hub, gateway(), ingress_manifest("shop"), gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {GW: {"phase": "Listening"}, SHOP: ADDRESS})
            version = await shown(hub, GW, "{.metadata.resourceVersion}")
        async with audited(hub) as api:
            sink = writer(api, ONE_AT_A_TIME)
            sink.want({GW: {"phase": "Listening"}, SHOP: ADDRESS})
            async with running(sink.run()):
                sink.want({GW: {"phase": "Listening"}})
                sink.want({LAST: {"phase": "Running"}})
                await api.until(lambda: written(api, LAST))
            assert len(api.writes) == 1
        assert await shown(hub, GW, "{.metadata.resourceVersion}") == version

    asyncio.run(script())


def test_the_next_leader_reads_all_objects_in_pages_and_none_by_itself(hub: Cluster) -> None:
    names = [f"s{number}" for number in range(20)]
    apply(hub, *(ingress_manifest(name) for name in names), gateway("last"))
    served = {ingress_ref(name): ADDRESS for name in names}

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, served)
        async with audited(hub) as api:
            sink = writer(api, ONE_AT_A_TIME)
            sink.want({**served, LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
            assert len(api.asked) == 3 + 1, "a list for each kind, and one write"

    asyncio.run(script())


def test_only_the_newest_of_what_comes_during_a_write_is_written(hub: Cluster) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            go_on = asyncio.Event()

            async def hold(asked: Asked) -> None:
                if asked.method == "PATCH":
                    await go_on.wait()

            api.before = hold
            sink = writer(api)
            sink.want({GW: {"phase": "Pending"}})
            async with running(sink.run()):
                await api.until(lambda: len(api.writes) == 1)
                for number in range(200):
                    sink.want({GW: {"phase": "Running", "message": str(number)}})
                    await asyncio.sleep(0)
                go_on.set()
                await api.until(lambda: len(api.written) == 2)
            assert len(api.writes) == 2
        assert await shown(hub, GW, "{.status.message}") == "199"

    asyncio.run(script())


def test_a_status_that_was_back_before_the_writer_came_to_it_is_not_written(hub: Cluster) -> None:
    apply(hub, gateway(), gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {GW: {"phase": "Listening"}})
            writes = len(api.writes)
            sink = writer(api, ONE_AT_A_TIME)
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                sink.want({GW: {"phase": "Running"}})
                sink.want({GW: {"phase": "Listening"}})
                sink.want({LAST: {"phase": "Running"}})
                await api.until(lambda: written(api, LAST))
            assert len(api.writes) == writes + 1

    asyncio.run(script())


def test_who_does_not_lead_asks_nothing(hub: Cluster) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want({GW: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
            asked = len(api.asked)
            sink.want({GW: {"phase": "Listening"}})
            for _ in range(100):
                await asyncio.sleep(0)
            assert len(api.asked) == asked
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 2)

    asyncio.run(script())


def test_an_object_that_is_made_later_costs_one_request(hub: Cluster) -> None:
    apply(hub, gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want({LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
                asked = len(api.asked)
                apply(hub, gateway("gw"))
                sink.want({GW: {"phase": "Running"}})
                await api.until(lambda: written(api, GW))
                assert len(api.asked) == asked + 1

    asyncio.run(script())


def test_a_write_that_an_object_is_gone_for_is_dropped(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    apply(hub, gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, StatusSettings(writers=1, retry=0.001))
            sink.want({GW: {"phase": "Running"}, LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
            assert len(writes_of(api, GW)) == 1, "tried once, and no more"

    asyncio.run(script())
    assert [r for r in caplog.records if r.name.startswith("fleet")] == []


def test_an_object_that_was_taken_back_is_written_no_more(hub: Cluster) -> None:
    apply(hub, gateway(), gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, ONE_AT_A_TIME)
            sink.want({GW: {"phase": "Running"}})
            sink.want({GW: None, LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
            assert writes_of(api, GW) == []

    asyncio.run(script())


def test_an_object_that_went_while_the_hub_was_silent_is_not_asked_for_again(hub: Cluster) -> None:
    apply(hub, gateway(), gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, ONE_AT_A_TIME)

            async def lose(asked: Asked) -> None:
                if asked.method == "PATCH" and asked.path.endswith("/gw/status"):
                    sink.want({GW: None})
                    raise Unreached("lost")

            api.before = lose
            sink.want({GW: {"phase": "Running"}, LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
            assert len(writes_of(api, GW)) == 1

    asyncio.run(script())


def test_an_object_that_went_and_came_back_during_a_write_has_its_status_again(
    hub: Cluster,
) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)

            async def replace(asked: Asked) -> None:
                if asked.method == "PATCH" and len(api.writes) == 1:
                    await kubectl(hub, "delete", "mseingressconfig", "gw")
                    sink.want({GW: None})
                    await asyncio.to_thread(apply, hub, gateway())
                    sink.want({GW: {"phase": "Running"}})

            api.after = replace
            sink.want({GW: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 2)
        assert await shown(hub, GW, "{.status.phase}") == "Running"

    asyncio.run(script())


def test_a_conflict_is_tried_again_with_the_newest_status(hub: Cluster) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            answers = iter([409, 409, 503])

            async def disturb(asked: Asked) -> None:
                if asked.method == "PATCH" and (status := next(answers, None)):
                    sink.want({GW: {"phase": f"after {status}"}})
                    raise Answer(status)

            api.before = disturb
            sink.want({GW: {"phase": "first"}})
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 4)
        assert await shown(hub, GW, "{.status.phase}") == "after 503"

    asyncio.run(script())


def test_an_object_that_was_made_anew_has_its_status_again(hub: Cluster) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
                await kubectl(hub, "delete", "mseingressconfig", "gw")
                await asyncio.to_thread(apply, hub, gateway())
                await api.until(lambda: len(api.written) == 2)
        assert await shown(hub, GW, "{.status.phase}") == "Listening"

    asyncio.run(script())


def overwrite(hub: Cluster, phase: str, manager: str = "kubectl-patch") -> Awaitable[str]:
    """Overwrite the gateway's status, as another client."""
    patch = json.dumps({"status": {"phase": phase, "note": "mine"}})
    named = ("--type=merge", f"--field-manager={manager}", "-p", patch)
    return kubectl(hub, "patch", GW.kind, "gw", "--subresource=status", *named)


def test_what_somebody_makes_of_a_status_is_seen_and_put_right_at_once(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, AT_ONCE)
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
                await overwrite(hub, "Broken")
                await api.until(lambda: len(api.written) == 2)
                assert list(sink.problems) == []
            assert len(api.writes) == 2
        assert json.loads(await shown(hub, GW, "{.status}")) == {"phase": "Listening"}

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.sinks.statuses"]
    assert said == [
        "kubectl-patch has overwritten the status of MseIngressConfig gw, it is put right"
    ]


@pytest.mark.parametrize(
    ("manager", "who"),
    [
        pytest.param("other-controller", "other-controller", id="a-controller"),
        pytest.param("fleetgate", "another fleetgate", id="of-the-same-name"),
    ],
)
def test_who_overwrites_a_status_again_is_left_alone_and_told_of(
    hub: Cluster, manager: str, who: str
) -> None:
    apply(hub, gateway(), gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            told = asyncio.Event()
            sink = writer(api, AT_ONCE)
            sink.on_change(told.set)
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
                for number in range(5):
                    await overwrite(hub, f"theirs-{number}", manager)
                    await api.until(lambda: len(writes_of(api, GW)) == 2)
                async with asyncio.timeout(20):
                    await told.wait()
                sink.want({LAST: {"phase": "Running"}})
                await api.until(lambda: written(api, LAST))
                (problem,) = sink.problems
                assert (problem.at, problem.reason, problem.value) == (GW, "StatusOverwritten", who)
                assert len(writes_of(api, GW)) == 2
            assert list(sink.problems) == []
        assert await shown(hub, GW, "{.status.phase}") == "theirs-4"

    asyncio.run(script())


def test_our_own_news_are_written_also_over_somebody_elses(hub: Cluster) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            told = asyncio.Event()
            sink = writer(api, AT_ONCE)
            sink.on_change(told.set)
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
                await overwrite(hub, "first")
                await api.until(lambda: len(api.written) == 2)
                await overwrite(hub, "second")
                async with asyncio.timeout(20):
                    await told.wait()
                told.clear()
                sink.want({GW: {"phase": "Failed"}})
                await api.until(lambda: len(api.written) == 3)
                async with asyncio.timeout(20):
                    await told.wait()
                assert list(sink.problems) == []
        assert json.loads(await shown(hub, GW, "{.status}")) == {"phase": "Failed"}

    asyncio.run(script())


def test_what_is_fought_over_is_put_right_again_after_a_while(hub: Cluster) -> None:
    apply(hub, gateway())

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, StatusSettings(calm=1.0, pause=0.0))
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
                await overwrite(hub, "first")
                await api.until(lambda: len(api.written) == 2)
                await overwrite(hub, "second")
                await api.until(lambda: len(api.written) == 3)
        assert json.loads(await shown(hub, GW, "{.status}")) == {"phase": "Listening"}

    asyncio.run(script())


def test_what_somebody_made_of_a_status_is_put_right_by_the_next_leader(hub: Cluster) -> None:
    """That is also so if the next leader is the same process, with no new status."""
    apply(hub, gateway())
    patch = json.dumps({"status": {"phase": "Broken"}})

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want({GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, GW))
            await kubectl(
                hub, "patch", GW.kind, "gw", "--subresource=status", "--type=merge", "-p", patch
            )
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 2)
        assert json.loads(await shown(hub, GW, "{.status}")) == {"phase": "Listening"}

    asyncio.run(script())


def test_somebody_elses_address_is_left_to_an_ingress_that_is_not_ours(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop"), ingress_manifest("theirs"), gateway("last"))
    patch = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}}})
    hub.kubectl("patch", "ingress", "theirs", "--subresource=status", "--type=merge", "-p", patch)

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, {SHOP: ADDRESS})
            sink = writer(api, ONE_AT_A_TIME)
            theirs = ingress_ref("theirs")
            sink.want({theirs: NO_ADDRESS, SHOP: NO_ADDRESS, LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
        assert await shown(hub, theirs, "{.status.loadBalancer.ingress[0].ip}") == "198.51.100.9"
        assert await shown(hub, SHOP, "{.status.loadBalancer}") == "{}"

    asyncio.run(script())


def test_an_ingress_that_another_controller_took_over_keeps_its_address(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop"), gateway("last"))
    patch = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}}})

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, ONE_AT_A_TIME)
            sink.want({SHOP: ADDRESS})
            async with running(sink.run()):
                await api.until(lambda: written(api, SHOP))
                await kubectl(
                    hub,
                    "patch",
                    "ingress",
                    "shop",
                    "--subresource=status",
                    "--type=merge",
                    "-p",
                    patch,
                )
                sink.want({SHOP: NO_ADDRESS})
                sink.want({LAST: {"phase": "Running"}})
                await api.until(lambda: written(api, LAST))
        assert await shown(hub, SHOP, "{.status.loadBalancer.ingress[0].ip}") == "198.51.100.9"

    asyncio.run(script())


@pytest.mark.parametrize(
    "ref",
    [
        pytest.param(Ref("c1", "Ingress", "default", "shop"), id="a member's object"),
        pytest.param(Ref("", "Member", "", "c1"), id="a kind of our own"),
        pytest.param(Ref("", "Secret", "default", "cert"), id="a kind without a status"),
    ],
)
def test_nothing_is_written_that_is_not_the_hubs(hub: Cluster, ref: Ref) -> None:
    apply(hub, ingress_manifest("shop"), gateway("last"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, ONE_AT_A_TIME)
            sink.want({ref: ADDRESS, LAST: {"phase": "Running"}})
            async with running(sink.run()):
                await api.until(lambda: written(api, LAST))
            assert len(api.writes) == 1

    asyncio.run(script())


def test_a_hub_that_is_killed_while_statuses_are_written_has_the_newest_of_each_in_the_end(
    hub: Cluster,
) -> None:
    names = [f"s{number}" for number in range(30)]
    apply(hub, *(ingress_manifest(name) for name in names))
    final = {
        ingress_ref(name): {"loadBalancer": {"ingress": [{"ip": f"192.0.2.{100 + number}"}]}}
        for number, name in enumerate(names)
    }

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want(dict.fromkeys(final, ADDRESS))
            async with running(sink.run()):
                await api.until(lambda: len(api.writes) > 5)
                await asyncio.to_thread(hub.kill)
                sink.want(final)
                failed = len(api.asked)
                await api.until(lambda: len(api.asked) > failed)
                await asyncio.to_thread(hub.start)
                paths = {f"{ref.namespace}/ingresses/{ref.name}/status" for ref in final}

                def done() -> bool:
                    ok = [asked for asked in api.written if asked.body[0]["value"] != ADDRESS]
                    return paths <= {"/".join(asked.path.split("/")[-4:]) for asked in ok}

                await api.until(done)
        listed = await kubectl(
            hub, "get", "ingress", "--output=jsonpath={.items[*].status.loadBalancer.ingress[0].ip}"
        )
        assert sorted(listed.split()) == sorted(f"192.0.2.{100 + n}" for n in range(30))

    asyncio.run(script())


def test_a_refusal_is_said_once_holds_up_nobody_and_ends_when_the_right_is_given(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    apply(hub, gateway(), ingress_manifest("shop"))
    rights = [
        "--verb=get,list,watch,patch",
        "--resource=albconfigs.alibabacloud.com",
        "--resource=mseingressconfigs.mse.alibabacloud.com",
        "--resource=mseingressconfigs.mse.alibabacloud.com/status",
        "--resource=ingresses.networking.k8s.io",
    ]
    hub.kubectl("create", "serviceaccount", "fleetgate")
    hub.kubectl("create", "clusterrole", "half", *rights)
    bound = ["--serviceaccount=default:fleetgate"]
    hub.kubectl("create", "clusterrolebinding", "half", "--clusterrole=half", *bound)
    token = hub.kubectl("create", "token", "fleetgate").strip()

    async def script() -> None:
        async with audited(hub, token) as api:
            sink = writer(api, StatusSettings(writers=1, retry=0.05))
            sink.want({SHOP: ADDRESS, GW: {"phase": "Listening"}})
            async with running(sink.run()):
                await api.until(lambda: len(writes_of(api, SHOP)) > 2 and written(api, GW))
                assert sink.refusals >= 2
                rest = ["--verb=patch", "--resource=ingresses.networking.k8s.io/status"]
                await kubectl(hub, "create", "clusterrole", "rest", *rest)
                rest = ["clusterrolebinding", "rest", "--clusterrole=rest", *bound]
                await kubectl(hub, "create", *rest)
                async with asyncio.timeout(20):
                    while await shown(hub, SHOP, "{.status.loadBalancer}") == "{}":
                        pass

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.sinks.statuses"]
    assert len(said) == 1
    assert said[0].startswith("the hub refuses the status of Ingress default/shop: ")
    assert 'cannot patch resource "ingresses/status"' in said[0]
