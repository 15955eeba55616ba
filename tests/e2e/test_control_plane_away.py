"""Envoy keeps serving while its control plane is away, and gets only the changes afterwards."""

import asyncio
import threading
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.events import Event
from fleet.sources.tree import Tree
from fleetgate.demo.fleet import DemoFleet
from fleetgate.demo.http import Question
from fleetgate.demo.load import Load
from fleetgate.demo.loopback import Loopback
from fleetgate.local.fleet import LocalFleet
from fleetgate.serving import XdsSettings
from tests.e2e.backends import Backend, backend
from tests.e2e.rig import ONE, Rig, ask_once, gateway_ref, settings_on
from tests.e2e.stock import control_plane, stock_envoy
from tests.support.builders import ingress, mse_gateway
from translators.model.statuses import Phase
from xds.resource import TypeUrl

QUESTION = Question("/", "web.test")


def declare(rig: Rig, web: Backend) -> None:
    rig.declare("gateway.yaml", mse_gateway("gw", members=[ONE]))
    for name in ("web", "other", "third"):
        rig.expose(name, [web])
        rule = ingress(name, host=f"{name}.test").path("/", to=f"{name}:80")
        rig.declare(f"{name}.yaml", rule.of_class("mse"))


def resources(served: LocalFleet) -> dict[str, int]:
    """Count the resources that were sent, by type. Types without any are omitted."""
    traffic = served.control.cache.traffic()
    return {kind: part.resources for kind, part in traffic.items() if part.resources}


async def connected(served: LocalFleet) -> None:
    """Return when an Envoy has connected, and has said of every type what it has."""
    kinds = {TypeUrl.LISTENER, TypeUrl.SCOPED_ROUTE, TypeUrl.CLUSTER, TypeUrl.ENDPOINT}
    clients = served.control.cache.clients
    # A client that has everything gets no response, and so gives no acknowledgement.
    while not any(kinds <= client.types.keys() for client in clients()):  # noqa: ASYNC110 (there is no event to wait for)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("protocol", ["delta", "sotw"])
def test_a_control_plane_that_goes_and_comes_back_fails_nobody(
    tmp_path: Path, protocol: str
) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            settings = settings_on(stack.enter_context(closing(Loopback())))
            fleet = DemoFleet.create(tmp_path / "fleet", [ONE])
            web = await stack.enter_async_context(backend("web"))
            more = await stack.enter_async_context(backend("more"))
            async with control_plane(tmp_path, settings) as served:
                rig = Rig(fleet, served, settings)
                declare(rig, web)
                settings = replace(settings, xds=XdsSettings(port=served.serving.xds_port))
                joining = stock_envoy("mse/gw", settings.xds.port, tmp_path, protocol=protocol)
                await stack.enter_async_context(joining)
                load = Load(await rig.address(), QUESTION)
                await stack.enter_async_context(load.running())
                await load.answered(200)
            await load.answered(500)
            async with control_plane(tmp_path, settings) as served:
                rig = Rig(fleet, served, settings)
                await connected(served)
                await rig.sync()
                assert (
                    served.control.translator.tables.statuses.of_gateways.rows[gateway_ref()].phase
                    is Phase.LISTENING
                )
                if protocol == "delta":  # the first request of SotW cannot say what a client has
                    assert resources(served) == {}
                await load.answered(200)
                rig.expose("other", [more])
                await rig.sync()
                if protocol == "delta":
                    assert resources(served) == {TypeUrl.ENDPOINT: 1}
                question = Question("/", "other.test")
                assert (await ask_once(await rig.address(), question)).body == b"more"
                new = ingress("new", host="new.test").path("/", to="web:80")
                rig.declare("new.yaml", new.of_class("mse"))
                question = Question("/", "new.test")
                assert (await ask_once(await rig.address(), question)).body == b"web"
        assert load.tally().failures == {}

    asyncio.run(scenario())


def test_what_was_removed_meanwhile_is_gone_afterwards(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            settings = settings_on(stack.enter_context(closing(Loopback())))
            fleet = DemoFleet.create(tmp_path / "fleet", [ONE])
            web = await stack.enter_async_context(backend("web"))
            async with control_plane(tmp_path, settings) as served:
                rig = Rig(fleet, served, settings)
                declare(rig, web)
                settings = replace(settings, xds=XdsSettings(port=served.serving.xds_port))
                joining = stock_envoy("mse/gw", settings.xds.port, tmp_path)
                await stack.enter_async_context(joining)
                address = await rig.address()
                assert (await ask_once(address, QUESTION)).status == 200
            fleet.remove("web.yaml")
            fleet.remove("web.yaml", to=ONE)
            assert (await ask_once(address, QUESTION)).status == 200
            async with control_plane(tmp_path, settings) as served:
                await connected(served)
                await served.sync()
                assert (await ask_once(address, QUESTION)).status == 404
                assert (await ask_once(address, Question("/", "other.test"))).status == 200

    asyncio.run(scenario())


def test_xds_opens_only_when_everything_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An Envoy that came back earlier would have to remove everything that it has."""
    scan, go_on = Tree.scan, threading.Event()

    async def scenario() -> None:
        loop, scanning = asyncio.get_running_loop(), asyncio.Event()

        def scan_later(tree: Tree) -> list[Event]:
            loop.call_soon_threadsafe(scanning.set)
            go_on.wait()
            return scan(tree)

        async def serve() -> None:
            async with control_plane(tmp_path, settings) as served:
                assert served.control.started.is_set()
                (await asyncio.open_connection(*place))[1].close()

        monkeypatch.setattr(Tree, "scan", scan_later)
        DemoFleet.create(tmp_path / "fleet", [ONE])
        with closing(Loopback()) as loopback:
            place = next(iter(loopback.addresses("xds"))), loopback.port(18000)
            settings = replace(settings_on(loopback), xds=XdsSettings(*place))
            serving = asyncio.create_task(serve())
            try:
                async with asyncio.timeout(20):
                    await scanning.wait()
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(*place)
            finally:
                go_on.set()
                await serving

    asyncio.run(scenario())
