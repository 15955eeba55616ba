"""An API server that stops to answer soon counts as unreachable, with its connections open."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from fleet.kubernetes.bounds import Bounds
from fleet.kubernetes.connection import ApiServer
from fleet.models import Service
from fleet.outage import Outage
from fleet.ref import HUB
from fleet.sources.kubernetes import KubernetesSource
from fleet.sources.kubernetes.member import MemberReader
from fleet.sources.kubernetes.reading import Connect
from fleetgate.core.control import ControlPlane, ControlSettings
from fleetgate.http.metrics import Metrics
from tests.fleet.api_dialogue import Dialogue, PendingRequest, dialogue, event, failure, listing
from tests.fleet.kubernetes_rig import HOME, KubernetesRig
from tests.fleet.rigs import PATIENCE, line
from tests.support.builders import service
from tests.support.cable import Cable
from tests.support.freezer import Freezer
from tests.support.kube import Clusters
from translators.dialects import DIALECTS
from xds.cache import SnapshotCache

BOUNDS = Bounds(quiet=0.5, silence=2.0)
"""With these, a frozen server is noticed after 4.5 seconds; by default it takes 28 seconds."""

CART, LATE = service("cart", ports={"http": 80}), service("late", ports={"http": 80})


@pytest.fixture
def rig(clusters: Clusters) -> Iterator[KubernetesRig]:
    made = KubernetesRig(clusters)
    yield made
    made.close()


class Watched:
    """A control plane that reads a hub and the member `one`, with its news and metrics."""

    def __init__(self, hub: Connect, one: Connect) -> None:
        source = KubernetesSource(DIALECTS.kinds, hub, {"one": one}, HOME)
        self.control = ControlPlane(source, SnapshotCache(), ControlSettings())
        self.metrics = Metrics(self.control)
        self._news = asyncio.Event()
        self.control.on_turn(lambda _: self._news.set())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def shown(self, name: str) -> float:
        """The value of a metric without labels."""
        [value] = [
            sample.value
            for family in self.metrics.collect()
            for sample in family.samples
            if sample.name == name
        ]
        return float(value)

    def outage(self, origin: str) -> Outage:
        return self.control.state.origins[origin].outage


@asynccontextmanager
async def running(watched: Watched) -> AsyncIterator[None]:
    task = asyncio.create_task(watched.control.run())
    try:
        await watched.until(watched.control.started.is_set)
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def by(url: str, config: Mapping[str, Any]) -> Connect:
    """A kubeconfig that reaches a server by another URL."""
    config["clusters"][0]["cluster"]["server"] = url
    return partial(ApiServer.from_kubeconfig, config, bounds=BOUNDS)


@pytest.mark.parametrize(
    ("frozen", "metric"),
    [
        pytest.param("one", "fleetgate_member_reachable", id="member"),
        pytest.param(HUB, "fleetgate_hub_reachable", id="hub"),
    ],
)
def test_a_server_that_freezes_is_lost_until_it_thaws(
    rig: KubernetesRig, frozen: str, metric: str
) -> None:
    rig.put(CART, origin="one")
    there = {name: rig.servers[name] for name in (HUB, "one")}

    async def script(way: Freezer) -> None:
        urls = {name: server.url for name, server in there.items()} | {frozen: way.url}
        watched = Watched(*(by(urls[name], there[name].config()) for name in (HUB, "one")))
        async with running(watched):
            await watched.until(lambda: watched.shown(metric) == 1)
            way.freeze()
            await watched.until(lambda: watched.shown(metric) == 0)
            assert watched.outage(frozen) is Outage.NO_ANSWER
            assert CART.ref("one") in watched.control.state.table(Service)
            rig.put(LATE, origin="one")
            way.thaw()
            await watched.until(lambda: watched.shown(metric) == 1)
            await watched.until(lambda: LATE.ref("one") in watched.control.state.table(Service))

    with Freezer(there[frozen].url) as way:
        asyncio.run(script(way))


def test_a_proxy_that_takes_connections_and_never_answers_is_noticed(rig: KubernetesRig) -> None:
    hub, one = rig.servers[HUB], rig.servers["one"]
    cable = Cable(hub.url)

    async def script(silent: socket.socket) -> None:
        watched = Watched(by(cable.url, hub.config()), by(one.url, one.config()))
        async with running(watched):
            await watched.until(lambda: watched.shown("fleetgate_hub_reachable") == 1)
            cable.cut()
            silent.bind(("127.0.0.1", urlsplit(cable.url).port))
            silent.listen()
            await watched.until(lambda: watched.shown("fleetgate_hub_reachable") == 0)
            assert watched.outage(HUB) is Outage.NO_ANSWER
            assert watched.shown("fleetgate_member_reachable") == 1

    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asyncio.run(script(silent))
        finally:
            cable.close()


def test_silence_is_noticed_as_soon_as_it_is_documented() -> None:
    usual = Bounds()
    assert max(usual.connect, usual.silence) <= 10, "of a server that is asked something"
    assert usual.quiet + 2 * usual.silence <= 30, "of one that is watched"


# -- requests --------------------------------------------------------------------------------------


class WatchedMember:
    """A member with three watches at a server whose answers the test gives."""

    def __init__(self, api: Dialogue, bounds: Bounds) -> None:
        self.api = api
        self.watches: list[PendingRequest] = []
        self.questions: list[PendingRequest] = []
        self.said: list[str] = []
        connect = partial(ApiServer.from_kubeconfig, api.kubeconfig(), bounds=bounds)
        self.member = MemberReader(
            "one", connect, lambda events: self.said.extend(map(line, events))
        )
        self.member.need_labels(needed=True)

    async def watched(self) -> None:
        """Answer all lists, and give the watches once all of them are open."""
        while len(self.watches) < 3:
            asked = await self.api.asked()
            if asked.is_watch:
                asked.open()
                self.watches.append(asked)
            elif asked.path == "/version":
                asked.answer(403, failure(403))
            else:
                asked.answer(200, listing(position="7"))


def play(bounds: Bounds, script: Callable[[WatchedMember], Awaitable[None]]) -> None:
    async def run() -> None:
        async with dialogue() as api:
            plays = WatchedMember(api, bounds)
            task = asyncio.create_task(plays.member.run())
            try:
                await plays.watched()
                await script(plays)
            finally:
                task.cancel()
                await asyncio.wait([task])

    asyncio.run(run())


def test_one_question_stands_for_all_watches_of_a_server_and_any_answer_will_do() -> None:
    async def script(plays: WatchedMember) -> None:
        for status in (200, 403, 404, 503):
            asked = await plays.api.asked()
            assert (asked.path, asked.is_watch) == ("/version", False)
            asked.answer(status, failure(status))
        assert plays.said == ["listed one"]

    play(Bounds(quiet=0.1), script)


def test_a_server_that_says_something_is_not_asked() -> None:
    async def script(plays: WatchedMember) -> None:
        first = await plays.api.asked()
        plays.watches[0].say(event("BOOKMARK", {}, "8"))
        second = await plays.api.asked()
        assert (first.path, second.path) == ("/version", "/version")
        # Neither request is answered, but during the first one the watch has sent a line.
        third = await plays.api.asked()
        assert third.path == "/version"
        assert plays.said == ["listed one"]

    play(Bounds(quiet=0.1, silence=0.5), script)


def test_a_question_without_an_answer_ends_all_watches_and_lists_again() -> None:
    async def script(plays: WatchedMember) -> None:
        for _ in range(2):
            assert (await plays.api.asked()).path == "/version"
        lists: set[str] = set()
        while len(lists) < 3:
            lists |= {(await plays.api.asked()).path.rpartition("/")[2]} - {"version"}
        assert lists == {"services", "endpointslices", "pods"}
        assert plays.said == ["listed one", "unreachable one"]

    play(Bounds(quiet=0.1, silence=0.5), script)


def test_a_watch_without_bookmarks_is_opened_again_where_it_stood() -> None:
    async def script(plays: WatchedMember) -> None:
        plays.watches[0].say(event("BOOKMARK", {}, "8"))
        again = [await plays.api.asked() for _ in range(3)]
        assert all(asked.is_watch for asked in again)
        assert sorted(asked.query["resourceVersion"] for asked in again) == ["7", "7", "8"]
        assert plays.said == ["listed one"]

    play(Bounds(watch_silence=0.5), script)
