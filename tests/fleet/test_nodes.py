"""Nodes are read only in members whose requests are sent to node ports."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fleet.events import Event
from fleet.member_settings import Addressing, MemberGateway, MemberSettings
from fleet.models import Node, Service
from fleet.outage import Outage
from fleet.sources.kubernetes.member import NODES, SERVICES, MemberReader
from fleet.state import FleetState, Origin
from tests.fleet.api_dialogue import (
    PATIENCE,
    Dialogue,
    PendingRequest,
    dialogue,
    event,
    failure,
    listing,
)
from tests.fleet.rigs import line
from tests.support.builders import node, service

CART = service("cart")
FIRST = node("first", InternalIP="10.0.0.1")
SECOND = node("second", InternalIP="10.0.0.2")
TO_PODS = MemberSettings(region="eu")
TO_NODES = MemberSettings(addressing=Addressing.NODE_PORTS, region="us")
TO_GATEWAY = MemberSettings(addressing=Addressing.GATEWAY, gateway=MemberGateway("gw", 80))


class NodesMember:
    """A member at an API server on loopback, and the state that its events add up to.

    `allowed` is whether its nodes may be listed. Lists of nodes wait until `answering` is set.
    """

    def __init__(self, api: Dialogue) -> None:
        self.said: list[str] = []
        self.state = FleetState()
        self.allowed = True
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked_for_nodes = asyncio.Event()
        self.watches: list[PendingRequest] = []
        self.reader = MemberReader("one", api.client, self._say)
        self._api = api
        self._news = asyncio.Event()

    @property
    def settings(self) -> MemberSettings:
        return self.state.settings["one"]

    @property
    def nodes(self) -> Mapping[Any, Node]:
        return self.state.table(Node)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_listed(self) -> None:
        await self.until(lambda: self.state.origins.get("one") == Origin(listed=True))

    async def answer(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._answer(await self._api.next()))

    async def _answer(self, asked: PendingRequest) -> None:
        if asked.path != NODES.path:
            items = [CART.manifest] if asked.path == SERVICES.path else []
            if asked.is_watch:
                asked.open()
            else:
                asked.answer(200, listing(*items, position="7"))
        elif not self.allowed:
            asked.answer(403, failure(403, "nodes is forbidden"))
        elif asked.is_watch:
            self.watches.append(asked)
            asked.open()
            self._news.set()
        else:
            self.asked_for_nodes.set()
            await self.answering.wait()
            asked.answer(200, listing(FIRST.manifest, position="7"))

    def _say(self, events: Sequence[Event]) -> None:
        self.said += map(line, events)
        self.state.apply(events)
        self._news.set()


def play(script: Callable[[NodesMember], Awaitable[None]]) -> None:
    async def run() -> None:
        async with dialogue() as api:
            member = NodesMember(api)
            tasks = [asyncio.create_task(work) for work in (member.reader.run(), member.answer())]
            await script(member)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(run())


def test_nodes_are_followed_while_requests_are_sent_to_them() -> None:
    async def script(member: NodesMember) -> None:
        member.reader.configure(TO_NODES)
        await member.until(lambda: bool(member.watches))
        await member.until_listed()
        assert member.nodes == {FIRST.ref("one"): FIRST.model()}
        assert member.said[0] == "configured one", "settings come before objects"

        (watch,) = member.watches
        watch.say(event("ADDED", SECOND.manifest, "8"), event("DELETED", FIRST.manifest, "9"))
        await member.until(lambda: member.nodes.keys() == {SECOND.ref("one")})

        member.said.clear()
        member.reader.configure(TO_PODS)
        assert member.said == ["configured one", "deleted Node second in one"]
        assert not member.nodes
        assert CART.ref("one") in member.state.table(Service)

    play(script)


def test_nodes_are_not_read_otherwise() -> None:
    async def script(member: NodesMember) -> None:
        for settings in (TO_PODS, TO_GATEWAY):
            member.reader.configure(settings)
            await member.until_listed()
            assert member.settings == settings
        await member.reader.refresh()
        assert not member.asked_for_nodes.is_set()
        assert not member.nodes

    play(script)


def test_requests_are_sent_as_before_until_the_nodes_have_been_read() -> None:
    """Without a node, a member that is reached by node ports has no endpoint."""

    async def script(member: NodesMember) -> None:
        member.reader.configure(TO_PODS)
        await member.until_listed()
        member.answering.clear()
        member.said.clear()

        member.reader.configure(TO_NODES)
        await member.asked_for_nodes.wait()
        assert member.settings == MemberSettings(region="us"), "the rest is in force at once"

        member.answering.set()
        await member.until(lambda: member.settings == TO_NODES)
        assert member.said == ["configured one", "upserted Node first in one", "configured one"]

    play(script)


def test_a_member_that_turns_elsewhere_meanwhile_does_not_wait_for_nodes() -> None:
    async def script(member: NodesMember) -> None:
        member.reader.configure(TO_PODS)
        await member.until_listed()
        member.answering.clear()
        member.reader.configure(TO_NODES)
        await member.asked_for_nodes.wait()

        member.reader.configure(TO_GATEWAY)
        assert member.settings == TO_GATEWAY

        member.answering.set()
        await member.reader.refresh()
        assert member.settings == TO_GATEWAY
        assert not member.nodes

    play(script)


def test_a_member_that_forbids_to_read_nodes_says_so_and_goes_on_as_before() -> None:
    async def script(member: NodesMember) -> None:
        member.reader.configure(TO_PODS)
        await member.until_listed()
        member.allowed = False
        member.reader.configure(TO_NODES)
        await member.until(lambda: not member.state.origins["one"].reachable)

        origin = member.state.origins["one"]
        assert origin.outage is Outage.RIGHTS
        assert origin.message.partition(" ")[2] == (
            "does not let fleetgate list nodes: nodes is forbidden; its RBAC has to allow get, "
            "list and watch on nodes, since requests are sent to its nodes by the setting "
            "addressing nodePorts"
        )
        assert member.settings.addressing is Addressing.PODS
        assert CART.ref("one") in member.state.table(Service)

        member.allowed = True
        await member.reader.refresh()
        await member.until(lambda: member.settings == TO_NODES)
        await member.until_listed()
        assert member.nodes.keys() == {FIRST.ref("one")}

    play(script)


def test_the_first_settings_of_a_member_wait_for_nothing() -> None:
    """Requests to Pods that may be out of reach would be worse than none."""

    async def script(member: NodesMember) -> None:
        member.allowed = False
        member.reader.configure(TO_NODES)
        assert member.settings == TO_NODES
        await member.until(lambda: "one" in member.state.origins)
        assert "list nodes" in member.state.origins["one"].message

    play(script)
