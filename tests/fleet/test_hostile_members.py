"""A member whose API server sends too much is unreachable, and no other member is affected."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from fleet.events import Event, Unreachable
from fleet.kubernetes.bounds import MIB, Bounds
from fleet.kubernetes.connection import ApiServer
from fleet.models import Ingress, Service
from fleet.outage import Outage
from fleet.ref import HUB
from fleet.sources.kubernetes import KubernetesSource
from fleet.sources.kubernetes.member import SERVICES, MemberReader
from fleet.state import FleetState
from tests.fleet.api_dialogue import event
from tests.fleet.kubernetes_rig import HOME, KubernetesRig
from tests.fleet.rigs import listening
from tests.support.builders import ingress, service, slice_of
from tests.support.hostile_api import (
    Answer,
    HostileApi,
    Link,
    endless,
    endless_items,
    endless_pages,
    nothing,
    packed,
    page,
    quiet,
    raw,
    silence,
    trickle,
    whole,
)
from tests.support.kube import Clusters
from translators.dialects import DIALECTS

BOUNDS = Bounds(
    answer=MIB,
    item=100_000,
    line=100_000,
    objects=100,
    pages=5,
)
PATIENCE = 60.0
"""Seconds that a test waits for an expected event: both sides share one process."""

BUFFERED = 32 * MIB
"""The bytes of an unread body that kernels and libraries of both sides may buffer."""


class HostileMember:
    """A member that is read, with its events and its state."""

    def __init__(self, api: HostileApi, bounds: Bounds = BOUNDS) -> None:
        self.state = FleetState()
        connect = partial(ApiServer.from_kubeconfig, api.kubeconfig(), bounds=bounds)
        self.member = MemberReader("bad", connect, self._hear)
        self._news = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def lost(self) -> Outage:
        await self.until(lambda: not self.origin_reachable)
        return self.state.origins["bad"].outage

    @property
    def origin_reachable(self) -> bool:
        return "bad" not in self.state.origins or self.state.origins["bad"].reachable

    @property
    def message(self) -> str:
        return self.state.origins["bad"].message

    def _hear(self, events: Sequence[Event]) -> None:
        self.state.apply(events)
        self._news.set()


def play(
    lists: Answer,
    watches: Answer,
    script: Callable[[HostileMember], Awaitable[None]],
    bounds: Bounds = BOUNDS,
) -> HostileApi:
    async def run(api: HostileApi) -> None:
        bad = HostileMember(api, bounds)
        running = asyncio.create_task(bad.member.run())
        try:
            await script(bad)
        finally:
            running.cancel()
            await asyncio.wait([running])
        if not running.cancelled():
            running.result()

    with HostileApi(lists, watches) as api:
        asyncio.run(run(api))
    return api


def of_services(answer: Answer, others: Answer = nothing) -> Answer:
    """Give this answer to requests about Services, and empty lists to all others."""

    async def answered(link: Link) -> None:
        await (answer if link.path == SERVICES.path else others)(link)

    return answered


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        pytest.param(endless(b" "), "it sends more than 1 MiB in one answer", id="blanks"),
        pytest.param(endless_items(b"{},"), "more than 1 MiB in one answer", id="items"),
        pytest.param(
            whole(b"{", "200 OK", "content-length: 99999999"),
            "more than 1 MiB in one answer",
            id="declared",
        ),
        pytest.param(packed(2_000_000_000), "more than 1 MiB in one answer", id="compressed"),
        pytest.param(
            whole(page({**service("cart").manifest, "x": "y" * 200_000})),
            "an object of more than 100000 bytes",
            id="a-large-object",
        ),
        pytest.param(endless_pages, "more than 5 pages of services", id="pages"),
        pytest.param(
            whole(page(*(service(f"s{i}").manifest for i in range(101)))),
            "it holds more than 100 services",
            id="objects",
        ),
        pytest.param(
            whole(page(*({} for _ in range(1001)))),
            "more than 1000 of its services have mistakes",
            id="objects-without-a-name",
        ),
    ],
)
def test_a_list_that_is_too_much_is_no_list(lists: Answer, message: str) -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert message in bad.message

    assert play(of_services(lists), quiet, script).sent < BUFFERED


def test_endpoints_count_as_objects() -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert "it holds more than 100 endpointslices" in bad.message

    many = slice_of("web", addresses=[f"10.0.0.{i}" for i in range(50)])
    slices = [{**many.manifest, "metadata": {"name": f"s{i}"}} for i in range(2)]

    async def lists(link: Link) -> None:
        await (nothing if link.path == SERVICES.path else whole(page(*slices)))(link)

    play(lists, quiet, script)


@pytest.mark.parametrize(
    "wide",
    [
        pytest.param({"endpoints": [{"addresses": ["10.0.0.1"] * 101}]}, id="addresses"),
        pytest.param({"metadata": {"labels": {f"l{n}": "" for n in range(801)}}}, id="labels"),
        pytest.param({"addressType": "x" * 90_000}, id="text"),
    ],
)
def test_what_is_large_in_an_object_counts_as_objects(wide: dict[str, Any]) -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert "it holds more than" in bad.message

    plain = slice_of("web", addresses=["10.0.0.1"]).manifest
    large = {**plain, **wide, "metadata": {"name": "large", **wide.get("metadata", {})}}

    async def lists(link: Link) -> None:
        answer = nothing if link.path == SERVICES.path else whole(page(plain, large))
        await answer(link)

    play(lists, quiet, script, replace(BOUNDS, objects=80))


def test_a_member_full_of_mistakes_is_not_followed() -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert "more than 1000 of its services have mistakes" in bad.message
        assert not bad.state.problems

    wrong = [service(f"s{i}").with_spec(ports=[{"port": 0}]).manifest for i in range(1001)]
    play(of_services(whole(page(*wrong))), quiet, script, Bounds())


@pytest.mark.parametrize(
    ("lists", "outage", "message"),
    [
        pytest.param(silence, Outage.NO_ANSWER, "no answer in time", id="silence"),
        pytest.param(
            trickle(b" ", 0.05), Outage.NO_ANSWER, "not read to their end within 6 s", id="trickle"
        ),
        pytest.param(
            whole(b"[" * 500_000),
            Outage.ERROR,
            "the answer is no list of Kubernetes objects",
            id="nested",
        ),
        pytest.param(
            endless(b'{"message":"', status="500 Out of order"),
            Outage.ERROR,
            "HTTP 500 to list services",
            id="an-error-without-end",
        ),
        pytest.param(
            whole(b"", "302 Found", "location: http://169.254.169.254/latest/meta-data"),
            Outage.ERROR,
            "it answers with a redirect (HTTP 302), not followed",
            id="a-redirect",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n"),
            Outage.NO_ANSWER,
            "",
            id="headers-without-end",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nx-a: ", b"b"), Outage.NO_ANSWER, "", id="a-header-without-end"
        ),
        pytest.param(
            raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            Outage.NO_ANSWER,
            "",
            id="promises-without-end",
        ),
    ],
)
def test_a_list_that_leads_nowhere_is_no_list(lists: Answer, outage: Outage, message: str) -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is outage
        assert message in bad.message

    bounds = Bounds(silence=3.0, listing=6.0, refusal=1000)
    assert play(of_services(lists), quiet, script, bounds).sent < BUFFERED


@pytest.mark.parametrize(
    ("watches", "message"),
    [
        pytest.param(endless(b"x"), "more than 100000 bytes in one line of a watch", id="fast"),
        pytest.param(
            endless(json.dumps(event("ADDED", service("cart").manifest, "8")).encode() + b" "),
            "more than 100000 bytes in one line of a watch",
            id="lines-without-an-end",
        ),
    ],
)
def test_a_line_of_a_watch_that_is_too_much_is_none(watches: Answer, message: str) -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert message in bad.message

    assert play(nothing, watches, script).sent < BUFFERED


def test_a_line_of_a_watch_that_does_not_end_is_none() -> None:
    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert "a line of its watch has no end after 0.5 s" in bad.message

    play(nothing, trickle(b"x", 0.05), script, Bounds(line_time=0.5))


def test_a_watch_that_adds_too_much_is_not_followed() -> None:
    async def flood(link: Link) -> None:
        await link.head()
        for number in range(10_000_000):
            added = event("ADDED", service(f"s{number}").manifest, str(number + 8))
            await link.send(json.dumps(added).encode() + b"\n")

    async def script(bad: HostileMember) -> None:
        assert await bad.lost() is Outage.EXCESS
        assert "it holds more than 100 services" in bad.message

    assert play(nothing, of_services(flood, quiet), script).sent < BUFFERED


CART = service("cart", ports={"http": 80})
SHOP = ingress("shop", host="example.com").path("/", to="cart:80")


def test_nobody_else_notices_a_member_that_turns_hostile(clusters: Clusters) -> None:
    rig = KubernetesRig(clusters)
    hub, good = rig.servers[HUB].kubeconfig, rig.servers["one"].kubeconfig
    is_hostile = threading.Event()

    async def lists(link: Link) -> None:
        kept = page(CART.manifest) if link.path == SERVICES.path else page()
        await (endless_items(b"{},") if is_hostile.is_set() else whole(kept))(link)

    async def watches(link: Link) -> None:
        await link.head()
        while not is_hostile.is_set():  # noqa: ASYNC110 (set in another thread)
            await asyncio.sleep(0.02)
        await endless(b"x")(link)

    async def script(api: HostileApi) -> None:
        source = KubernetesSource(
            DIALECTS.kinds,
            partial(ApiServer.from_kubeconfig, hub),
            {
                "one": partial(ApiServer.from_kubeconfig, good),
                "two": partial(ApiServer.from_kubeconfig, api.kubeconfig(), bounds=BOUNDS),
            },
            HOME,
        )
        async with listening(source, rig.scenery) as listener:
            origins = listener.state.origins
            everybody = (HUB, "one", "two")
            await listener.until(lambda: all(n in origins and origins[n].listed for n in everybody))
            assert all(origin.reachable for origin in origins.values())
            is_hostile.set()
            await listener.until(lambda: not origins["two"].reachable)
            late = service("late", ports={"http": 80})
            rig.put(late, origin="one")
            await listener.until(lambda: late.ref("one") in listener.state.table(Service))
            rig.put(SHOP)
            await listener.until(lambda: SHOP.ref() in listener.state.table(Ingress))
            told = [event for event in listener.events if isinstance(event, Unreachable)]
            assert {event.origin for event in told} == {"two"}
            assert {event.outage for event in told} == {Outage.EXCESS}
            assert CART.ref("two") in listener.state.table(Service)

    try:
        with HostileApi(lists, watches) as api:
            asyncio.run(script(api))
            assert api.sent < 4 * BUFFERED, "each attempt has its bound, and they are few"
    finally:
        rig.close()
