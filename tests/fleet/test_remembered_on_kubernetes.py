"""A restart while API servers are away loses no objects, and catches up when they are back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from fleet.kubernetes.connection import ApiServer
from fleet.member_settings import Addressing, MemberSettings
from fleet.models import EndpointSlice, Ingress, Node
from fleet.ref import HUB
from fleet.sources.kubernetes import KubernetesSource
from fleet.sources.kubernetes.reading import Connect
from fleet.sources.remembered import Remembered
from fleet.state import Origin
from tests.fleet.kubernetes_rig import HOME, KubernetesRig, declare, naming, withdraw
from tests.fleet.rigs import Listener, listening
from tests.support.builders import ingress, node, slice_of
from tests.support.kube import Clusters
from translators.dialects import DIALECTS

SHOP = ingress("shop", host="example.com").path("/", to="cart:80").of_class("mse")
PODS = slice_of("cart", addresses=["10.0.0.1"])
MORE = slice_of("cart", addresses=["10.0.0.2"], suffix="2")


@pytest.fixture
def rig(clusters: Clusters) -> Iterator[KubernetesRig]:
    made = KubernetesRig(clusters)
    made.put(SHOP)
    made.put(PODS, MORE, origin="one")
    yield made
    made.close()


def live(
    rig: KubernetesRig,
    state: Path,
    script: Callable[[Listener], Awaitable[None]],
    members: Mapping[str, Connect] | None = None,
) -> None:
    """Read the fleet from the start to the stop of a process."""
    kubeconfig = rig.servers[HUB].kubeconfig
    source = KubernetesSource(
        DIALECTS.kinds, lambda: ApiServer.from_kubeconfig(kubeconfig), members or {}, HOME
    )

    async def run() -> None:
        async with listening(Remembered(source, state, DIALECTS.kinds, source.recall)) as listener:
            await script(listener)

    asyncio.run(run())


def is_listed(listener: Listener, origin: str) -> Callable[[], bool]:
    return lambda: listener.state.origins.get(origin) == Origin(listed=True)


def is_lost(listener: Listener, origin: str) -> Callable[[], bool]:
    return lambda: not listener.state.origins.get(origin, Origin()).reachable


def test_a_member_whose_api_server_is_away_at_the_start(rig: KubernetesRig, tmp_path: Path) -> None:
    async def before(listener: Listener) -> None:
        await listener.until(is_listed(listener, "one"))

    async def during(listener: Listener) -> None:
        await listener.until(is_lost(listener, "one"))
        slices = listener.state.table(EndpointSlice)
        assert {PODS.ref("one"), MORE.ref("one")} <= slices.keys()
        assert listener.state.origins["one"].since is not None

        withdraw(rig.servers["one"], MORE.manifest)
        rig.find("one")
        await listener.until(is_listed(listener, "one"))
        assert PODS.ref("one") in slices
        assert MORE.ref("one") not in slices

    live(rig, tmp_path, before)
    rig.lose("one")
    live(rig, tmp_path, during)


def test_a_hub_whose_api_server_is_away_at_the_start(rig: KubernetesRig, tmp_path: Path) -> None:
    async def before(listener: Listener) -> None:
        await listener.until(is_listed(listener, "one"))
        await listener.until(is_listed(listener, HUB))

    async def during(listener: Listener) -> None:
        await listener.until(is_lost(listener, HUB))
        assert SHOP.ref() in listener.state.table(Ingress)
        assert PODS.ref("one") in listener.state.table(EndpointSlice)
        assert is_lost(listener, "one")()

        await asyncio.to_thread(rig.servers[HUB].start)
        await listener.until(is_listed(listener, HUB))
        await listener.until(is_listed(listener, "one"))
        assert SHOP.ref() in listener.state.table(Ingress)
        assert PODS.ref("one") in listener.state.table(EndpointSlice)

    live(rig, tmp_path, before)
    rig.servers[HUB].kill()
    try:
        live(rig, tmp_path, during)
    finally:
        rig.servers[HUB].start()


def test_a_member_that_the_operator_names_is_read_while_the_hub_is_away(
    rig: KubernetesRig, tmp_path: Path
) -> None:
    async def before(listener: Listener) -> None:
        await listener.until(is_listed(listener, "one"))
        await listener.until(is_listed(listener, HUB))

    async def during(listener: Listener) -> None:
        await listener.until(is_lost(listener, HUB))
        await listener.until(is_listed(listener, "one"))
        slices = listener.state.table(EndpointSlice)
        assert PODS.ref("one") in slices
        assert MORE.ref("one") not in slices

        await asyncio.to_thread(rig.servers[HUB].start)
        await listener.until(is_listed(listener, HUB))
        assert is_listed(listener, "one")()
        assert PODS.ref("one") in slices

    members = {"one": lambda: ApiServer.from_kubeconfig(rig.kubeconfig("one"))}
    live(rig, tmp_path, before, members)
    rig.servers[HUB].kill()
    withdraw(rig.servers["one"], MORE.manifest)
    try:
        live(rig, tmp_path, during, members)
    finally:
        rig.servers[HUB].start()


def test_a_member_that_turned_to_node_ports_meanwhile_waits_for_its_nodes(
    rig: KubernetesRig, tmp_path: Path
) -> None:
    """Without a node it would have no endpoint, and it has remembered ones."""
    first = node("first", InternalIP="10.0.0.1")
    rig.put(first, origin="one")
    named = naming("one", rig.kubeconfig("one"))
    metadata = {**named["metadata"], "annotations": {"fleetgate.dev/addressing": "nodePorts"}}

    async def before(listener: Listener) -> None:
        await listener.until(is_listed(listener, "one"))
        await listener.until(is_listed(listener, HUB))

    async def during(listener: Listener) -> None:
        await listener.until(is_listed(listener, HUB))
        await listener.until(is_lost(listener, "one"))
        assert listener.state.settings["one"] == MemberSettings()
        assert PODS.ref("one") in listener.state.table(EndpointSlice)

        rig.cables["one"].mend()
        await listener.until(is_listed(listener, "one"))
        assert listener.state.settings["one"].addressing is Addressing.NODE_PORTS
        assert first.ref("one") in listener.state.table(Node)

    live(rig, tmp_path, before)
    rig.lose("one")
    declare(rig.servers[HUB], {**named, "metadata": metadata})
    live(rig, tmp_path, during)


def test_a_member_that_is_reached_by_node_ports_stays_so(
    rig: KubernetesRig, tmp_path: Path
) -> None:
    """Neither its own API server nor the hub, which has its settings, can be asked."""
    first = node("first", InternalIP="10.0.0.1")
    rig.put(first, origin="one")
    named = naming("one", rig.kubeconfig("one"))
    annotations = {"fleetgate.dev/addressing": "nodePorts", "fleetgate.dev/zone": "a"}
    metadata = {**named["metadata"], "annotations": annotations}
    declare(rig.servers[HUB], {**named, "metadata": metadata})
    settings = MemberSettings(addressing=Addressing.NODE_PORTS, zone="a")

    async def before(listener: Listener) -> None:
        await listener.until(is_listed(listener, "one"))
        await listener.until(is_listed(listener, HUB))
        assert first.ref("one") in listener.state.table(Node)

    async def during(listener: Listener) -> None:
        await listener.until(is_lost(listener, HUB))
        await listener.until(is_lost(listener, "one"))
        assert listener.state.settings["one"] == settings
        assert first.ref("one") in listener.state.table(Node)

        await asyncio.to_thread(rig.servers[HUB].start)
        await listener.until(is_listed(listener, HUB))
        await listener.until(is_lost(listener, "one"))
        assert listener.state.settings["one"] == settings
        assert first.ref("one") in listener.state.table(Node)

        rig.remove(first, origin="one")
        rig.cables["one"].mend()
        await listener.until(is_listed(listener, "one"))
        assert not listener.state.table(Node)

    live(rig, tmp_path, before)
    rig.lose("one")
    rig.servers[HUB].kill()
    try:
        live(rig, tmp_path, during)
    finally:
        rig.servers[HUB].start()
