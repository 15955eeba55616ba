"""`sync` is in sync only with a hub and attached members that can be read, and all own Envoys."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from fleet.events import Event, Listed, Members, Unreachable, Upserted
from fleet.ref import HUB
from fleetgate.core.control import ControlPlane
from fleetgate.core.sync import sync
from fleetgate.local.local_envoys import LocalGateways
from tests.control.rig import GATEWAY, NEVER, Said, starting
from tests.support.builders import mse_gateway

ATTACHES_C1 = Upserted(GATEWAY, mse_gateway("gw", members=["c1"]).model())
ALL_WELL = (
    Members(frozenset({"c1", "c2"})),
    ATTACHES_C1,
    Listed("c1"),
    Listed("c2"),
    Listed(HUB),
)


@pytest.mark.parametrize(
    ("then", "missing"),
    [
        pytest.param([], [], id="all-are-read"),
        pytest.param(
            [Unreachable(HUB, "no route")], ["the hub cannot be read: no route"], id="the-hub"
        ),
        pytest.param(
            [Unreachable("c1", "no route")], ["member c1 cannot be read: no route"], id="a-member"
        ),
        pytest.param([Unreachable("c2", "no route")], [], id="a-member-of-no-gateway"),
        pytest.param(
            [Members(frozenset({"c2"})), Members(frozenset({"c1", "c2"}))],
            ["member c1 has not been read yet"],
            id="a-member-that-has-not-answered",
        ),
        pytest.param(
            [Unreachable(HUB, "no route"), Unreachable("c1", "401")],
            ["the hub cannot be read: no route", "member c1 cannot be read: 401"],
            id="several",
        ),
    ],
)
def test_what_cannot_be_read_is_named(then: Sequence[Event], missing: Sequence[str]) -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(*ALL_WELL)
        await control.started.wait()
        await source.say(*then)
        assert [each["reason"] for each in await sync(control, 0.1)] == missing

    starting(NEVER, scenario)


def test_what_is_read_again_in_time_is_in_sync() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(*ALL_WELL, Unreachable("c1", "no route"))
        await control.started.wait()
        waiting = asyncio.create_task(sync(control, NEVER))
        await source.say()
        assert not waiting.done()
        await source.say(Listed("c1"))
        assert await waiting == []

    starting(NEVER, scenario)


def test_an_envoy_that_is_yet_to_start_is_waited_for_and_named() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(*ALL_WELL)
        await control.started.wait()
        assert await sync(control, NEVER) == []
        (missing,) = await sync(control, 0.1, LocalGateways(Path()))
        assert missing["node"] == f"mse/gw@{socket.gethostname()}"
        assert missing["reason"] == "it has not connected yet"

    starting(NEVER, scenario)
