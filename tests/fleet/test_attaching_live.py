"""Members of a gateway are swapped on real API servers, and it never lacks endpoints."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from fleet.kubernetes.connection import ApiServer
from fleet.ref import HUB
from fleet.sources.kubernetes import KubernetesSource
from fleetgate.core.control import ControlPlane, ControlSettings, News, TurnTaken
from tests.fleet.kubernetes_rig import HOME, KubernetesRig
from tests.fleet.rigs import reasons
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.kube import Clusters
from translators.dialects import DIALECTS
from xds.cache import SnapshotCache
from xds.resource import TypeUrl

CART = service("cart", ports={"http": 80})
SHOP = ingress("shop", host="example.com").of_class("mse").path("/", to="cart:80")
ADDRESSES = ONE, TWO, LATER = "10.1.0.1", "10.2.0.1", "10.1.0.9"
PATIENCE = 20.0


@pytest.fixture
def rig(clusters: Clusters) -> Iterator[KubernetesRig]:
    made = KubernetesRig(clusters)
    yield made
    made.close()


class Watched:
    """A control plane, with the problems and the resources after each of its turns."""

    def __init__(self, rig: KubernetesRig) -> None:
        self.opened = asyncio.Event()
        self.asked = asyncio.Event()
        self.published: list[set[str]] = []
        self.reasons: set[str] = set()
        self._kubeconfig = rig.servers["two"].kubeconfig
        self._turned = asyncio.Event()
        hub = rig.servers[HUB].kubeconfig
        members = {"two": self._two}
        source = KubernetesSource(
            DIALECTS.kinds, lambda: ApiServer.from_kubeconfig(hub), members, HOME
        )
        self.control = ControlPlane(source, SnapshotCache(), ControlSettings())
        self.control.on_turn(self._turn)
        self.control.on_news(self._hear)

    async def _two(self) -> ApiServer:
        """Connect to member two, which is slow to answer."""
        self.asked.set()
        await self.opened.wait()
        return await ApiServer.from_kubeconfig(self._kubeconfig)

    async def until_published(self, *addresses: str) -> None:
        """Return when the gateway's endpoints are exactly these addresses."""
        async with asyncio.timeout(PATIENCE):
            while not self.published or self.published[-1] != set(addresses):
                self._turned.clear()
                await self._turned.wait()

    def _turn(self, _: TurnTaken) -> None:
        endpoints = self.control.cache.snapshot("mse/attaches-members").get(TypeUrl.ENDPOINT, {})
        body = b"".join(resource.body for resource in endpoints.values())
        if endpoints:
            self.published.append({name for name in ADDRESSES if name.encode() in body})
        self._turned.set()

    def _hear(self, news: News) -> None:
        self.reasons |= set(reasons(news.problems))


def play(rig: KubernetesRig, script: Callable[[Watched], Awaitable[None]]) -> None:
    """Declare the Service in both members, with another address in each, and a rule for it."""
    for member, address in (("one", ONE), ("two", TWO)):
        rig.put(CART, slice_of("cart", addresses=[address], port_name="http"), origin=member)
    rig.put(SHOP)

    async def run() -> None:
        watched = Watched(rig)
        running = asyncio.create_task(watched.control.run())
        async with asyncio.timeout(3 * PATIENCE):
            await script(watched)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())


def attach(rig: KubernetesRig, *members: str) -> None:
    rig.put(mse_gateway("attaches-members", members=members))


def test_a_swapped_member_is_followed_until_the_new_one_has_been_read(rig: KubernetesRig) -> None:
    async def script(watched: Watched) -> None:
        await watched.until_published(ONE)
        attach(rig, "two")
        await watched.asked.wait()
        rig.put(slice_of("cart", addresses=[LATER], port_name="http"), origin="one")
        await watched.until_published(LATER)
        watched.opened.set()
        await watched.until_published(TWO)
        assert set() not in watched.published
        assert watched.reasons == set()
        await watched.control.settle()
        assert watched.control.state.origins.keys() == {HUB, "two"}

    attach(rig, "one")
    play(rig, script)


def test_nothing_is_missing_while_a_new_gateway_waits_for_its_members(rig: KubernetesRig) -> None:
    async def script(watched: Watched) -> None:
        await watched.control.started.wait()
        attach(rig, "one", "two")
        await watched.asked.wait()
        assert watched.control.gateways == {}
        watched.opened.set()
        await watched.until_published(ONE, TWO)
        assert watched.reasons == set()

    rig.remove(mse_gateway("attaches-members"))
    play(rig, script)


def test_who_goes_back_before_the_new_member_is_read_loses_nothing(rig: KubernetesRig) -> None:
    async def script(watched: Watched) -> None:
        await watched.until_published(ONE)
        attach(rig, "two")
        await watched.asked.wait()
        attach(rig, "one")
        async with asyncio.timeout(PATIENCE):
            while watched.control.state.origins.keys() != {HUB, "one"}:
                await watched.control.settle()
        assert watched.published[-1] == {ONE}
        assert set() not in watched.published

    attach(rig, "one")
    play(rig, script)
