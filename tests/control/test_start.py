"""When the control plane starts: the hub first, members until their deadline."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.service.discovery import v3 as discovery

from fleet.events import Event, Listed, Members, Unreachable, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlPlane
from fleetgate.core.view import FleetView
from fleetgate.http.status import report
from tests.control.rig import AT_ONCE, DECLARED, GATEWAY, NEVER, Said, starting
from tests.support.builders import ingress, mse_gateway
from xds.resource import TypeUrl
from xds.stream import Stream
from xds.variants import DELTA

SHOP = Upserted(Ref(HUB, "Ingress", "default", "shop"), ingress("shop").model())


def test_it_starts_at_once_when_all_have_listed() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Members(frozenset({"c1"})), DECLARED, Listed(HUB))
        assert not control.started.is_set(), "c1 has not been heard"
        await source.say(Listed("c1"))
        await control.started.wait()
        assert list(control.translator.tables.statuses.of_gateways.rows) == [GATEWAY]

    starting(NEVER, scenario)


def test_a_member_that_cannot_be_read_holds_nobody_up() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Members(frozenset({"c1"})), Listed(HUB), Unreachable("c1", "no route"))
        await control.started.wait()

    starting(NEVER, scenario)


def test_a_member_that_does_not_answer_holds_up_until_the_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Members(frozenset({"c1", "c2"})), Listed(HUB), Listed("c2"))
        await control.started.wait()

    starting(AT_ONCE, scenario)
    assert "starting without c1: not read in time" in caplog.messages


@pytest.mark.parametrize(
    "hub",
    [
        [],
        [Unreachable(HUB, "connection refused")],
        [SHOP, Unreachable(HUB, "MseIngressConfigs cannot be listed: timeout")],
    ],
    ids=["silent", "unreachable", "read-in-part"],
)
def test_an_unknown_hub_is_waited_for_since_envoys_would_be_told_to_drop_everything(
    hub: Sequence[Event], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Listed("c1"), *hub)
        await asyncio.sleep(AT_ONCE)
        assert not control.started.is_set()
        await source.say(DECLARED, Listed(HUB))
        await control.started.wait()

    starting(AT_ONCE, scenario)
    assert any("the hub has not been read" in message for message in caplog.messages)


def test_why_the_hub_cannot_be_read_is_told_while_the_start_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Unreachable(HUB, "the credentials are not valid (401)"))
        hub = report(FleetView(control), lambda _: "", lambda _: "")["hub"]
        assert (hub["state"], hub["message"]) == (
            "unreachable",
            "the credentials are not valid (401)",
        )
        assert [problem.reason for problem in control.problems] == ["Unreachable"]
        await source.say(DECLARED, Listed(HUB))
        await control.started.wait()
        assert control.problems == ()

    starting(AT_ONCE, scenario)
    why = "'the credentials are not valid (401)'"
    assert any(f"Hub hub: Unreachable: {why}" in message for message in caplog.messages)
    assert any("within 0 s (the credentials are" in message for message in caplog.messages)


def test_a_gateway_knows_of_a_member_that_was_lost_before_the_start() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        gateway = mse_gateway("gw", members=["c1"])
        await source.say(Members(frozenset({"c1"})), Unreachable("c1", "no route"))
        await source.say(Upserted(GATEWAY, gateway.model()), Listed(HUB))
        await control.started.wait()
        (member,) = control.translator.tables.statuses.of_gateways.rows[GATEWAY].remote_clusters
        assert (member.known, member.message) == (True, "no route")

    starting(NEVER, scenario)


def test_what_is_remembered_of_an_unreachable_hub_will_do() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        yesterday = datetime(2026, 1, 31, 12, tzinfo=UTC)
        await source.say(DECLARED, Unreachable(HUB, "connection refused", since=yesterday))
        await control.started.wait()
        assert list(control.translator.tables.statuses.of_gateways.rows) == [GATEWAY]

    starting(NEVER, scenario)


@pytest.mark.parametrize(
    ("type_url", "name", "kept"),
    [
        pytest.param(TypeUrl.SECRET, "web.test", [], id="certificates"),
        pytest.param(TypeUrl.LISTENER, "https-443", ["http-80"], id="listeners-for-tls"),
    ],
)
def test_until_the_hub_is_read_an_envoy_keeps_what_secrets_are_for(
    type_url: TypeUrl, name: str, kept: list[str]
) -> None:
    """Remembered objects name Secrets, and no Secret is remembered."""

    async def scenario(control: ControlPlane, source: Said) -> None:
        since = datetime(2026, 1, 1, tzinfo=UTC)
        await source.say(DECLARED, Unreachable(HUB, "connection refused", since))
        await control.started.wait()
        group = control.dialects.name_of(GATEWAY)
        stream = Stream(control.cache, DELTA, group_of=lambda _: group, wake=lambda: None)
        asked = discovery.DeltaDiscoveryRequest(
            node=core.Node(id="envoy", cluster=group),
            type_url=type_url,
            resource_names_subscribe=[name, *kept],
            initial_resource_versions={name: "1"},
        )
        stream.receive(bytes(asked))
        told = discovery.DeltaDiscoveryResponse.parse(stream.next_message(0) or b"")
        assert ([each.name for each in told.resources], told.removed_resources) == (kept, [])
        accepted = discovery.DeltaDiscoveryRequest(type_url=type_url, response_nonce=told.nonce)
        stream.receive(bytes(accepted))
        await source.say(Listed(HUB))
        told = discovery.DeltaDiscoveryResponse.parse(stream.next_message(0) or b"")
        assert [*told.removed_resources, *(each.name for each in told.resources)] == [name]
        stream.close()

    starting(AT_ONCE, scenario)
