"""Problems become events on a real hub: kubectl shows them, and each is written once."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.kubernetes.patience import Patience
from fleet.problem import Problem, Severity
from fleet.ref import Ref
from fleet.sinks.notices import LONGEST_MESSAGE, EventSettings, EventWriter
from tests.sinks.rig import (
    Audited,
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
SHOP = ingress_ref("shop", "web")
ALWAYS = timedelta(0)


def problem(at: Ref = SHOP, value: str = "x", reason: str = "InvalidValue") -> Problem:
    return Problem(at, reason, "nginx.ingress.kubernetes.io/canary", value, "a boolean")


LAST = problem(value="last")
"""A problem whose event is written last, if one is written at a time: then a test is done."""


def writer(api: Audited, settings: EventSettings | None = None) -> EventWriter:
    patience = Patience("this test", longest=0.2)
    return EventWriter(
        api, DIALECTS.kinds, patience, "replica-1", settings or EventSettings(writers=1)
    )


async def events(hub: Cluster) -> list[dict[str, Any]]:
    listed = await kubectl(hub, "get", "events", "--all-namespaces", "--output=json")
    found: list[dict[str, Any]] = json.loads(listed)["items"]
    return found


def posted(api: Audited, problem: Problem) -> bool:
    """Whether the event was created, and the hub has answered."""
    posts = [asked for asked in api.written if asked.method == "POST"]
    return problem.message in [asked.body["message"] for asked in posts]


async def write(api: Audited, problems: Sequence[Problem]) -> None:
    """Let a new leader write the events of these problems and of LAST, and then stop."""
    sink = writer(api)
    sink.want(problems)
    sink.want([*problems, LAST])
    async with running(sink.run()):
        await api.until(lambda: posted(api, LAST))


@pytest.mark.parametrize(
    ("ref", "manifest"),
    [
        pytest.param(SHOP, ingress_manifest("shop", "web"), id="in a namespace"),
        pytest.param(GW, gateway(), id="without a namespace"),
    ],
)
def test_kubectl_describes_the_object_with_its_problems(
    hub: Cluster, ref: Ref, manifest: dict[str, Any]
) -> None:
    apply(hub, manifest)

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want([problem(ref)])
            async with running(sink.run()):
                await api.until(lambda: posted(api, problem(ref)))
        namespace = ["--namespace", ref.namespace or "default"]
        told = (await kubectl(hub, "describe", ref.kind, ref.name, *namespace)).splitlines()
        said = [line.split(maxsplit=4) for line in told if "InvalidValue" in line]
        assert [(line[0], line[1], line[3], line[4]) for line in said] == [
            ("Warning", "InvalidValue", "fleetgate", problem().message)
        ]
        listed = (await kubectl(hub, "get", "events", *namespace)).splitlines()
        assert listed[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
        shown = [line for line in listed if f"{ref.kind.lower()}/{ref.name}" in line]
        assert any(problem().message in line for line in shown)

    asyncio.run(script())


def test_a_hint_is_an_event_of_type_normal_and_the_next_leader_knows_it(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))
    hint = replace(problem(), severity=Severity.HINT)

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, [hint])
            types = {event["message"]: event["type"] for event in await events(hub)}
            assert types == {hint.message: "Normal", LAST.message: "Warning"}
            before, later = len(api.writes), problem(value="later")
            sink = writer(api)
            sink.want([hint, LAST, later])
            async with running(sink.run()):
                await api.until(lambda: posted(api, later))
            assert len(api.writes) == before + 1

    asyncio.run(script())


def test_each_problem_of_an_object_has_one_event(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))
    found = [problem(value="x"), problem(value="y"), problem(reason="UnknownKey")]

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            async with running(sink.run()):
                for _ in range(5):
                    sink.want(found)
                sink.want([*found, LAST])
                await api.until(lambda: posted(api, LAST))
            assert len(api.writes) == 4
        assert [event["count"] for event in await events(hub)] == [1, 1, 1, 1]

    asyncio.run(script())


def test_a_solved_problem_writes_nothing_and_one_that_is_back_raises_the_count(
    hub: Cluster,
) -> None:
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, EventSettings(returning=ALWAYS, writers=1))
            sink.want([problem()])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 1)
                sink.want([])
                sink.want([LAST])
                await api.until(lambda: posted(api, LAST))
                assert len(api.writes) == 2
                sink.want([problem(), LAST])
                await api.until(lambda: len(api.written) == 3)
        counts = {event["message"]: event["count"] for event in await events(hub)}
        assert counts == {problem().message: 2, LAST.message: 1}

    asyncio.run(script())


def test_a_problem_that_comes_and_goes_fast_is_written_once(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            async with running(sink.run()):
                sink.want([problem()])
                await api.until(lambda: len(api.written) == 1)
                for _ in range(50):
                    sink.want([])
                    sink.want([problem()])
                    await asyncio.sleep(0)
                sink.want([LAST])
                await api.until(lambda: posted(api, LAST))
            assert len(api.writes) == 2

    asyncio.run(script())


def test_thousands_of_events_are_no_burst_and_gateways_do_not_wait_for_them(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    apply(hub, ingress_manifest("shop", "web"), gateway())
    many = [problem(value=str(number)) for number in range(1000)]

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, EventSettings(burst=5, per_second=0.001))
            sink.want(many)
            async with running(sink.run()):
                await api.until(lambda: sink.waiting == 995)
                sink.want([*many, problem(GW)])
                await api.until(lambda: posted(api, problem(GW)))
                assert len(api.writes) == 6

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name.startswith("fleet")]
    assert said == [
        "events wait: 5 at once are enough for an API server, the others follow at 0.001 a second"
    ]


def test_an_event_that_waits_is_not_written_once_its_problem_is_solved(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))
    many = [problem(value=str(number)) for number in range(100)]

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api, EventSettings(burst=5, per_second=5.0, writers=1))
            sink.want(many)
            async with running(sink.run()):
                await api.until(lambda: sink.waiting > 0)
                sink.want([LAST])
                await api.until(lambda: posted(api, LAST))
                assert sink.waiting == 0
                assert len(api.writes) == 6

    asyncio.run(script())


def test_the_next_leader_writes_only_what_is_new(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"), gateway())

    async def script() -> None:
        new = problem(value="new")
        async with audited(hub) as api:
            sink = writer(api)
            sink.want([problem(), problem(GW)])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 2)
        async with audited(hub) as api:
            await write(api, [problem(), problem(GW), new])
            assert len(api.writes) == 2
            assert posted(api, new)
        assert [event["count"] for event in await events(hub)] == [1, 1, 1, 1]

    asyncio.run(script())


def test_a_problem_that_lasts_is_said_again_before_the_hub_forgets_it(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as api:
            soon = EventSettings(lasting=ALWAYS, look=timedelta(milliseconds=50))
            sink = writer(api, soon)
            sink.want([problem()])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 3)
                posts = len([asked for asked in api.written if asked.method == "POST"])
                await kubectl(hub, "delete", "events", "--namespace=web", "--all")
                await api.until(lambda: len([a for a in api.written if a.method == "POST"]) > posts)
        assert len(await events(hub)) == 1

    asyncio.run(script())


def test_an_event_that_this_leader_has_not_seen_is_not_doubled(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """The former leader may write its last event after the next one has listed the events."""
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as former, audited(hub) as api:
            sink = writer(api)
            async with running(sink.run()):
                await api.until(lambda: len(api.answered) == 1)
                await write(former, [problem()])
                sink.want([problem()])
                sink.want([problem(), LAST])
                await api.until(lambda: posted(api, LAST))
                sink.want([])
                sink.want([problem()])
                new = problem(value="new")
                sink.want([problem(), new])
                await api.until(lambda: posted(api, new))
            assert len(api.writes) == 3, "what it was told of is said once more"
        assert [event["count"] for event in await events(hub)] == [1, 1, 1]

    asyncio.run(script())
    assert [r for r in caplog.records if r.name.startswith("fleet")] == []


def test_an_event_that_somebody_else_wrote_in_our_name_ends_nothing(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))
    about = {"namespace": "shop"}  # it has no kind and no name, and its event has no time
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "odd", "namespace": "shop"},
        "involvedObject": about,
        "reportingComponent": "fleetgate",
        "reportingInstance": "somebody",
    }
    apply(hub, event)

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, [problem()])
            assert len(api.writes) == 2

    asyncio.run(script())


def test_an_event_of_a_later_time_silences_no_problem(hub: Cluster) -> None:
    """A client with the right to write events may write one in fleetgate's name."""
    apply(hub, gateway())
    found = problem(GW)
    later = "2999-01-31T12:00:00Z"

    async def script() -> None:
        async with audited(hub) as api:
            former = writer(api)
            former.want([found])
            async with running(former.run()):
                await api.until(lambda: posted(api, found))
            name = (await events(hub))[0]["metadata"]["name"]
            patch = json.dumps({"lastTimestamp": later})
            await kubectl(hub, "patch", "event", name, "-n", "default", "-p", patch)
            sink = writer(api)
            sink.want([found])
            async with running(sink.run()):
                await api.until(lambda: any(asked.method == "PATCH" for asked in api.written))
        assert (await events(hub))[0]["lastTimestamp"] != later

    asyncio.run(script())


def test_an_object_that_was_made_anew_is_told_its_problems_too(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want([problem()])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 1)
                await kubectl(hub, "delete", "ingress", "shop", "--namespace=web")
                await asyncio.to_thread(apply, hub, ingress_manifest("shop", "web"))
                sink.changed([SHOP])
                await api.until(lambda: len(api.written) == 2)
        assert "InvalidValue" in await kubectl(hub, "describe", "ingress", "shop", "-nweb")

    asyncio.run(script())


def test_an_edit_of_an_object_repeats_no_event(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            sink.want([problem()])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 1)
                for _ in range(3):
                    sink.changed([SHOP])
                sink.want([problem(), LAST])
                await api.until(lambda: posted(api, LAST))
            assert len(api.writes) == 2

    asyncio.run(script())


def test_what_follows_from_a_problem_of_another_object_has_no_event(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"), gateway())
    cause = problem(GW)

    async def script() -> None:
        async with audited(hub) as api:
            sink = writer(api)
            follows = replace(problem(value="follows"), because=(cause,))
            sink.want([cause, follows])
            sink.want([cause, follows, LAST])
            async with running(sink.run()):
                await api.until(lambda: posted(api, LAST) and posted(api, cause))
        assert {e["message"] for e in await events(hub)} == {cause.message, LAST.message}

    asyncio.run(script())


@pytest.mark.parametrize(
    "ref",
    [
        pytest.param(Ref("c1", "Service", "web", "shop"), id="a member's object"),
        pytest.param(Ref("", "Member", "", "c1"), id="a member itself"),
        pytest.param(ingress_ref("gone", "web"), id="an object that is gone"),
    ],
)
def test_there_is_no_event_of(hub: Cluster, ref: Ref, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    apply(hub, ingress_manifest("shop", "web"))

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, [problem(ref)])
        assert [event["message"] for event in await events(hub)] == [LAST.message]

    asyncio.run(script())
    assert [r for r in caplog.records if r.name.startswith("fleet")] == []


def test_a_message_that_is_too_long_for_an_event_is_cut(hub: Cluster) -> None:
    apply(hub, ingress_manifest("shop", "web"))
    long = Problem(SHOP, "InvalidValue", "", "x", "é" * LONGEST_MESSAGE)

    async def script() -> None:
        async with audited(hub) as api:
            await write(api, [long])
        (event,) = [e for e in await events(hub) if e["message"] != LAST.message]
        assert len(event["message"].encode()) <= LONGEST_MESSAGE
        assert event["message"].endswith("éé...")

    asyncio.run(script())


def test_a_refusal_is_said_once_and_holds_up_nobody(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    apply(hub, ingress_manifest("shop", "web"), gateway())
    read = [
        "--verb=get,list",
        "--resource=ingresses.networking.k8s.io",
        "--resource=mseingressconfigs.mse.alibabacloud.com",
        "--resource=events",
    ]
    account = "--serviceaccount=default:fleetgate"
    hub.kubectl("create", "serviceaccount", "fleetgate")
    hub.kubectl("create", "clusterrole", "read", *read)
    hub.kubectl("create", "clusterrolebinding", "read", "--clusterrole=read", account)
    hub.kubectl("create", "role", "say", "--verb=create,patch", "--resource=events")
    hub.kubectl("create", "rolebinding", "say", "--role=say", account)
    token = hub.kubectl("create", "token", "fleetgate").strip()

    async def script() -> None:
        async with audited(hub, token) as api:
            refused = [problem(value=str(number)) for number in range(5)]
            sink = writer(api)
            sink.want(refused)
            sink.want([*refused, problem(GW)])
            async with running(sink.run()):
                await api.until(lambda: len(api.written) == 6)
            assert sink.refusals == 5
        assert [event["involvedObject"]["name"] for event in await events(hub)] == ["gw"]

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.sinks.notices"]
    assert len(said) == 1
    assert said[0].startswith("the hub refuses an event of Ingress web/shop: events is forbidden")
