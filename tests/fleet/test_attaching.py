"""A gateway waits for the members that it newly attaches; other objects do not wait."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from fleet.events import Deleted, Event, Refused, Upserted
from fleet.problem import Problem
from fleet.sources.kubernetes.attaching import Attaching
from tests.fleet.rigs import line
from tests.support.builders import Builder, alb_gateway, ingress, mse_gateway
from tests.support.loop_time import ForwardLoop
from translators.dialects import DIALECTS

AT_ONCE, HALF, NEVER = timedelta(), timedelta(hours=1), timedelta(days=1)

GW = mse_gateway("gw")
NO_MAPPING = Refused(GW.ref(), (Problem(GW.ref(), "InvalidField", "spec", "5", "a mapping"),))


class Fleet:
    """The hub's events, and the members that have not answered yet."""

    def __init__(self, patience: timedelta) -> None:
        self.unread: set[str] = set()
        self.heard: list[Event] = []
        self.due = asyncio.Event()
        self.attaching = Attaching(
            DIALECTS.kinds, self.heard.extend, self._unread, patience, self.due.set
        )

    def _unread(self, members: frozenset[str]) -> frozenset[str]:
        return members & self.unread

    def declare(self, *things: Builder[Any] | Event) -> list[str]:
        """Declare objects, and give the events that are passed on."""
        self.attaching.hear([t if isinstance(t, Event) else said(t) for t in things])
        return self.news()

    def answers(self, *members: str) -> list[str]:
        """Let members answer, and give the events that are passed on."""
        self.unread -= set(members)
        self.attaching.settle()
        return self.news()

    def news(self) -> list[str]:
        news = [line(event) for event in self.heard]
        self.heard.clear()
        return news


def said(thing: Builder[Any]) -> Event:
    return Upserted(thing.ref(), thing.model())


def gw(*members: str) -> Builder[Any]:
    return mse_gateway("gw", members=members)


def play(scenario: Callable[[Fleet], Awaitable[None]], patience: timedelta = NEVER) -> None:
    async def run() -> None:
        fleet = Fleet(patience)
        await asyncio.wait_for(scenario(fleet), timeout=20 + 2 * HALF.total_seconds())
        fleet.attaching.retire()

    with asyncio.Runner(loop_factory=ForwardLoop) as runner:
        runner.run(run())


GATEWAY_SAID = "upserted MseIngressConfig gw"


@pytest.mark.parametrize("before", [[], ["c1"], ["c1", "c3"]], ids=["new", "one", "two"])
def test_a_gateway_is_said_once_its_new_members_are_known(before: Sequence[str]) -> None:
    async def scenario(fleet: Fleet) -> None:
        if before:
            assert fleet.declare(gw(*before)) == [GATEWAY_SAID]
        fleet.unread = {"c2", "c4"}
        assert fleet.declare(gw("c2", "c4")) == []
        assert fleet.attaching.in_force == set(before)
        assert fleet.answers("c2") == []
        assert fleet.answers("c4") == [GATEWAY_SAID]
        assert fleet.attaching.in_force == {"c2", "c4"}
        assert fleet.answers() == []

    play(scenario)


def test_other_objects_and_gateways_go_on() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.unread = {"c2"}
        shop, other = ingress("shop"), alb_gateway("other", members=["c1"])
        assert fleet.declare(shop, gw("c2"), other) == [
            "upserted Ingress default/shop",
            "upserted AlbConfig other",
        ]

    play(scenario)


def test_members_that_it_has_already_hold_up_no_change() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.declare(gw("c1"))
        fleet.unread = {"c1"}
        assert fleet.declare(gw("c1").annotate({"a": "b"})) == [GATEWAY_SAID]

    play(scenario)


def test_the_newest_version_is_the_one_that_is_said() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.unread = {"c2"}
        newest = gw("c2").annotate({"a": "b"})
        assert fleet.declare(gw("c2"), newest) == []
        fleet.unread.clear()
        fleet.attaching.settle()
        assert fleet.heard == [said(newest)]

    play(scenario)


def test_a_version_that_needs_nobody_unread_goes_at_once_and_the_older_one_never() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.declare(gw("c1"))
        fleet.unread = {"c2"}
        assert fleet.declare(gw("c2")) == []
        assert fleet.declare(gw("c1")) == [GATEWAY_SAID]
        assert fleet.answers("c2") == []

    play(scenario)


def test_a_deletion_goes_at_once() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.declare(gw("c1"))
        fleet.unread = {"c2"}
        fleet.declare(gw("c2"))
        assert fleet.declare(Deleted(GW.ref())) == ["deleted MseIngressConfig gw"]
        assert fleet.attaching.in_force == set()
        assert fleet.answers("c2") == []

    play(scenario)


def test_a_complaint_about_a_later_version_comes_after_the_good_one() -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.unread = {"c2"}
        assert fleet.declare(gw("c2"), NO_MAPPING, NO_MAPPING) == []
        refused = "refused MseIngressConfig gw: InvalidField"
        assert fleet.answers("c2") == [GATEWAY_SAID, refused]

    play(scenario)


def test_a_complaint_about_a_gateway_that_does_not_wait_goes_at_once() -> None:
    async def scenario(fleet: Fleet) -> None:
        assert fleet.declare(NO_MAPPING) == ["refused MseIngressConfig gw: InvalidField"]

    play(scenario)


def test_who_has_waited_long_enough_does_without_them(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(fleet: Fleet) -> None:
        fleet.unread = {"c2", "c3"}
        assert fleet.declare(gw("c1", "c2", "c3")) == []
        fleet.unread.remove("c3")
        await fleet.due.wait()
        assert fleet.answers() == [GATEWAY_SAID]
        assert fleet.declare(gw("c2").annotate({"a": "b"})) == [GATEWAY_SAID]

    play(scenario, AT_ONCE)
    assert "MseIngressConfig gw does without c2: not read in time" in caplog.messages


def test_changes_do_not_make_it_wait_longer() -> None:
    async def scenario(fleet: Fleet) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ForwardLoop)
        fleet.unread = {"c2", "c3"}
        fleet.declare(gw("c2", "c3"))
        loop.ahead += HALF.total_seconds()
        fleet.declare(gw("c2").annotate({"a": "b"}))
        loop.ahead += HALF.total_seconds()
        for _ in range(3):  # turns of the loop, in which timers run
            await asyncio.sleep(0)
        assert fleet.due.is_set()

    play(scenario, 2 * HALF)
