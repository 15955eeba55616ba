"""Replicas remember each other's news while the hub cannot be reached or refuses requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import pytest

from fleet.kubernetes.connection import Query, Reply, Unreached
from fleetgate.core.control import ControlPlane, ControlSettings, Progress
from fleetgate.hub.replicas import Replicas
from tests.control.rig import Said
from tests.support.api_double import ApiDouble
from tests.support.loop_time import ForwardLoop
from xds.cache import SnapshotCache

Json: TypeAlias = Any
HEARD = {"mse/gw": Progress.LISTENING}
OTHER: Json = {
    "metadata": {"name": "other", "annotations": {"fleetgate.dev/listening": "mse/gw"}},
    "spec": {"renewTime": "noon"},
}


class HubDouble(ApiDouble):
    """A hub with the Lease of another replica, which does not renew it any more."""

    def __init__(self) -> None:
        self.is_away = False
        self.status = 200
        self.status_of_writes = 200
        self.lists = 0
        self.taken_away: list[str] = []

    async def answer(self, method: str, path: str, query: Query) -> Reply:
        if self.is_away:
            raise Unreached("the hub: Connection refused")
        if method == "DELETE":
            self.taken_away.append(path.rpartition("/")[2])
        if method != "GET":
            return Reply(self.status_of_writes, b'{"message": "not you"}')
        self.lists += 1
        return Reply(self.status, json.dumps({"items": [OTHER], "message": "no"}).encode())


class Listener(ControlPlane):
    """A control plane that keeps the news of other replicas."""

    def __init__(self) -> None:
        super().__init__(Said(), SnapshotCache(), ControlSettings())
        self.heard: Mapping[str, Progress] = {}
        self.has_heard = asyncio.Event()

    def heard_elsewhere(self, standing: Mapping[str, Progress]) -> None:
        self.heard = dict(standing)
        self.has_heard.set()


def talking(scenario: Callable[[ForwardLoop, HubDouble, Listener], Awaitable[None]]) -> None:
    async def script() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ForwardLoop)
        hub, control = HubDouble(), Listener()
        running = asyncio.create_task(Replicas(hub, "home", "me").run(control))
        await control.has_heard.wait()
        await scenario(loop, hub, control)
        running.cancel()
        await asyncio.wait([running])

    with asyncio.Runner(loop_factory=ForwardLoop) as runner:
        runner.run(script())


async def after(loop: ForwardLoop, seconds: float, hub: HubDouble) -> None:
    """Move the time forward by `seconds`, and on until the replica has listed the hub again."""
    asked = hub.lists
    loop.ahead += seconds
    while hub.lists == asked:
        loop.ahead += 0.01
        await asyncio.sleep(0)
    for _ in range(5):  # turns of the loop, in which the answer is read
        await asyncio.sleep(0)


def test_who_does_not_renew_is_forgotten() -> None:
    async def scenario(loop: ForwardLoop, hub: HubDouble, control: Listener) -> None:
        assert control.heard == HEARD
        for _ in range(5):
            await after(loop, 5, hub)
        assert control.heard == {}
        assert hub.taken_away == ["other"]

    talking(scenario)


def test_a_time_without_the_hub_counts_against_nobody() -> None:
    async def scenario(loop: ForwardLoop, hub: HubDouble, control: Listener) -> None:
        hub.is_away = True
        loop.ahead += 60
        await asyncio.sleep(0)
        hub.is_away = False
        await after(loop, 5, hub)
        assert control.heard == HEARD
        assert hub.taken_away == []

    talking(scenario)


def test_each_refusal_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(loop: ForwardLoop, hub: HubDouble, _: Listener) -> None:
        hub.status = hub.status_of_writes = 403
        for _turn in range(4):
            await after(loop, 5, hub)

    talking(scenario)
    assert [message.split(",")[0] for message in caplog.messages] == [
        "Leases of replicas are not renewed",
        "Leases of replicas are not listed",
    ]


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        pytest.param(429, HEARD, id="busy"),
        pytest.param(503, HEARD, id="unavailable"),
        pytest.param(403, {}, id="not allowed"),
    ],
)
def test_a_busy_hub_says_nothing_of_the_others(status: int, heard: Mapping[str, Progress]) -> None:
    async def scenario(loop: ForwardLoop, hub: HubDouble, control: Listener) -> None:
        hub.status = status
        for _ in range(8):
            await after(loop, 5, hub)
        assert control.heard == heard

    talking(scenario)
