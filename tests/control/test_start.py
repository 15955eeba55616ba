"""When the control plane starts: the hub first, members until their deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from fleet.events import Emit, Event, Listed, Members, Unreachable, Upserted
from fleet.models import MseIngressConfig
from fleet.ref import HUB, Ref
from fleetgate.control import ControlPlane, ControlSettings
from fleetgate.report import gateway_refs
from xds.cache import SnapshotCache

GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")
DECLARED = Upserted(GATEWAY, MseIngressConfig.model_validate({"metadata": {"name": "gw"}}))

AT_ONCE = 0.0
NEVER = 3600.0


class Said:
    """A source that says what the test has it say."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        self._heard.set()
        await asyncio.get_running_loop().create_future()

    async def refresh(self) -> None:
        await self._heard.wait()

    async def say(self, *events: Event) -> None:
        await self._heard.wait()
        assert self._emit
        self._emit(events)
        for _ in range(5):  # turns of the loop, in which the control plane takes it
            await asyncio.sleep(0)


def starting(deadline: float, scenario: Callable[[ControlPlane, Said], Awaitable[None]]) -> None:
    async def run() -> None:
        source = Said()
        control = ControlPlane(source, SnapshotCache(), ControlSettings(start_deadline=deadline))
        running = asyncio.create_task(control.run())
        async with asyncio.timeout(20):
            await scenario(control, source)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def test_it_starts_at_once_when_all_have_listed() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(Members(frozenset({"c1"})), DECLARED, Listed(HUB))
        assert not control.started.is_set(), "c1 has not been heard"
        await source.say(Listed("c1"))
        await control.started.wait()
        assert gateway_refs(control) == [GATEWAY]

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
    [[], [Unreachable(HUB, "connection refused")]],
    ids=["silent", "unreachable"],
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


def test_what_is_remembered_of_an_unreachable_hub_will_do() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(DECLARED, Unreachable(HUB, "connection refused"))
        await control.started.wait()
        assert gateway_refs(control) == [GATEWAY]

    starting(NEVER, scenario)
