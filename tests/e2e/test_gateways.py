"""Several gateways at once, each with its own Envoy, address, members and status."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.fleet import DemoFleet
from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import Tally, ask
from fleetgate.demo.loopback import Loopback
from fleetgate.local.fleet import LocalFleet
from tests.e2e.backends import backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, gateway_ref, rig, settings_on
from tests.e2e.stock import control_plane, stock_envoy
from tests.support.ads_client import ads_client
from tests.support.builders import Builder, ingress, ingress_class, mse_gateway, write
from translators.dialects import DIALECTS
from translators.model.statuses import GatewayStatus, Phase
from xds.resource import TypeUrl


def gateway(name: str, *, members: tuple[str, ...] = (ONE, TWO)) -> Builder[Any]:
    """Make a gateway for the class of its own name."""
    return mse_gateway(name, members=members, ingress_class=name)


def rule(name: str, *, of_class: str) -> Builder[Any]:
    return ingress(name, host=f"{name}.test").path("/", to="web:80").of_class(of_class)


def shown(served: LocalFleet) -> Mapping[str, Any]:
    return DIALECTS.status(gateway_ref(), status(served))


def status(served: LocalFleet, name: str = "gw") -> GatewayStatus:
    return served.control.translator.tables.statuses.of_gateways.rows[gateway_ref(name)]


async def until(served: LocalFleet, holds: Callable[[], bool]) -> None:
    """Return when a condition holds that the control plane or an Envoy will bring about."""
    changed = asyncio.Event()
    stop = served.control.cache.on_change(changed.set)
    try:
        while not holds():
            await changed.wait()
            changed.clear()
            await served.control.settle()
    finally:
        stop()


async def answers(address: Address, host: str, n: int = 40) -> Tally:
    return await ask(address, Question("/", host), n, connections=4)


def following(rig: Rig, number: int) -> Address:
    """Return the address of a gateway by its number, from 0."""
    bind = rig.place.control
    return str(ipaddress.ip_address(bind.bind) + number), 80 + bind.port_offset


async def refused(address: Address) -> None:
    """Return once no socket listens there any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection(*address)
        except ConnectionError:  # refused, or reset by the process that ends
            return
        writer.close()
        await asyncio.sleep(0.02)  # no event tells when a process has closed its sockets


def test_each_gateway_has_an_envoy_and_an_address_while_it_lives(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            for name in ("a", "b"):
                served.declare(f"{name}.yaml", gateway(name), rule(name, of_class=name))
            first, second = await served.address("a"), await served.address("b")
            assert [first, second] == [following(served, 0), following(served, 1)]
            envoys = served.served.gateways.envoys
            survivor = envoys[gateway_ref("b")].pid
            assert envoys[gateway_ref("a")].pid != survivor

            served.fleet.remove("a.yaml")
            await served.sync()
            await refused(first)
            assert list(envoys) == [gateway_ref("b")]
            served.declare("c.yaml", gateway("c"), rule("c", of_class="c"))
            assert await served.address("c") == first
            assert await served.address("b") == second
            assert envoys[gateway_ref("b")].pid == survivor
            assert (await ask_once(first, Question("/", "c.test"))).status == 200
            assert (await ask_once(second, Question("/", "b.test"))).status == 200

    asyncio.run(scenario())


def test_a_node_gets_the_snapshot_of_its_own_gateway_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            for name in ("a", "b"):
                served.declare(f"{name}.yaml", gateway(name), rule(name, of_class=name))
            for name, other in (("a", "b"), ("b", "a")):
                address = await served.address(name)
                assert (await ask_once(address, Question("/", f"{name}.test"))).status == 200
                assert (await ask_once(address, Question("/", f"{other}.test"))).status == 404
                dump = await served.served.gateways.envoys[gateway_ref(name)].get("/config_dump")
                assert f"{name}.test" in dump
                assert f"{other}.test" not in dump

    asyncio.run(scenario())


def test_members_are_attached_and_detached_live(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            rig(tmp_path, gateway=False) as served,
            backend("web", member=ONE) as first,
            backend("web", member=TWO) as second,
        ):
            served.expose("web", [first], member=ONE)
            served.expose("web", [second], member=TWO)
            served.declare("rule.yaml", rule("web", of_class="gw"))
            served.declare("gateway.yaml", gateway("gw", members=(ONE,)))
            address = await served.address()
            pid = served.served.gateways.envoys[gateway_ref()].pid
            for members in ((ONE,), (ONE, TWO), (TWO,), (ONE,)):
                served.declare("gateway.yaml", gateway("gw", members=members))
                await served.sync()
                result = await answers(address, "web.test")
                assert result.failures == {}
                assert set(result.members) == set(members)
                listed = shown(served.served)["remoteClusters"]
                assert listed == [{"clusterId": member} for member in members]
            assert served.served.gateways.envoys[gateway_ref()].pid == pid

    asyncio.run(scenario())


def test_an_unknown_member_is_marked_and_disturbs_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("web.yaml", rule("web", of_class="mse"))
            served.declare("gateway.yaml", mse_gateway("gw", members=[ONE, "nobody"]))
            result = await answers(await served.address(), "web.test")
            assert result.failures == {}
            well, unknown = shown(served.served)["remoteClusters"]
            assert well == {"clusterId": ONE}
            assert (unknown["clusterId"], unknown["status"]) == ("nobody", "Failed")
            assert unknown["message"]

    asyncio.run(scenario())


def test_a_class_with_parameters_beats_the_selectors_of_gateways(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("gateways.yaml", gateway("a"), gateway("b"))
            # By the selectors alone, gateway a would take this class.
            served.declare("class.yaml", ingress_class("a", gateway="b"))
            served.declare("rule.yaml", rule("web", of_class="a"))
            question = Question("/", "web.test")
            assert (await ask_once(await served.address("b"), question)).status == 200
            assert (await ask_once(await served.address("a"), question)).status == 404
            served.fleet.remove("class.yaml")
            await served.sync()
            assert (await ask_once(await served.address("b"), question)).status == 404
            assert (await ask_once(await served.address("a"), question)).status == 200

    asyncio.run(scenario())


def test_a_gateway_walks_from_pending_to_listening_and_back_without_an_envoy(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        fleet = DemoFleet.create(tmp_path / "fleet", [ONE])
        write(fleet.directory(""), "gateway.yaml", mse_gateway("gw", members=[ONE]))
        with closing(Loopback()) as loopback:
            async with control_plane(tmp_path, settings_on(loopback)) as served:
                assert status(served).phase is Phase.PENDING
                xds_port = served.serving.xds_port
                with ads_client(xds_port, "mse/gw") as silent:
                    silent.request(TypeUrl.LISTENER)
                    await until(served, lambda: status(served).phase is Phase.RUNNING)
                    async with stock_envoy("mse/gw", xds_port, tmp_path):
                        await until(served, lambda: status(served).phase is Phase.LISTENING)
                    await until(served, lambda: status(served).phase is Phase.RUNNING)
                await until(served, lambda: status(served).phase is Phase.PENDING)

    asyncio.run(scenario())


def test_a_gateway_that_cannot_be_read_has_failed_and_serves_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("web.yaml", rule("web", of_class="mse"))
            address = await served.address()
            whole = mse_gateway("gw", members=[ONE])
            served.declare("gateway.yaml", whole.with_spec(ingress="mse"))
            await served.sync()
            assert status(served.served).phase is Phase.FAILED
            assert "ingress" in status(served.served).message
            assert (await answers(address, "web.test")).failures == {}
            served.declare("gateway.yaml", whole)
            await served.sync()
            assert status(served.served).phase is Phase.LISTENING

    asyncio.run(scenario())


def test_a_gateway_whose_address_is_taken_has_failed_and_disturbs_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("a.yaml", gateway("a"), rule("a", of_class="a"))
            address = await served.address("a")
            with socket.create_server(following(served, 1)):
                served.declare("b.yaml", gateway("b"), rule("b", of_class="b"))
                await served.served.control.settle()
                failed = lambda: status(served.served, "b").phase is Phase.FAILED  # noqa: E731
                await until(served.served, failed)
                assert "Envoy refused http-80" in status(served.served, "b").message
                assert status(served.served, "a").phase is Phase.LISTENING
                assert (await answers(address, "a.test")).failures == {}

    asyncio.run(scenario())


@pytest.mark.parametrize("protocol", ["delta", "sotw"])
def test_a_stock_envoy_joins_with_what_bootstrap_prints(tmp_path: Path, protocol: str) -> None:
    async def scenario() -> None:
        fleet = DemoFleet.create(tmp_path / "fleet", [ONE, TWO])
        async with AsyncExitStack() as stack:
            settings = settings_on(stack.enter_context(closing(Loopback())))
            first = await stack.enter_async_context(backend("web", member=ONE))
            second = await stack.enter_async_context(backend("web", member=TWO))
            served = await stack.enter_async_context(control_plane(tmp_path, settings))
            joined = Rig(fleet, served, settings)
            joined.declare("gateway.yaml", mse_gateway("gw", members=[ONE, TWO]))
            joined.declare("web.yaml", rule("web", of_class="mse"))
            joined.expose("web", [first], member=ONE)
            xds_port = served.serving.xds_port
            joining = stock_envoy("mse/gw", xds_port, tmp_path, protocol=protocol)
            await stack.enter_async_context(joining)
            address = await joined.address()
            assert [client.protocol for client in served.control.cache.clients()] == [protocol]
            assert (await answers(address, "web.test")).members == {ONE: 40}

            joined.expose("web", [second], member=TWO)
            joined.declare("more.yaml", rule("more", of_class="mse"))
            await joined.sync()
            for host in ("web.test", "more.test"):
                assert set((await answers(address, host)).members) == {ONE, TWO}
            joined.fleet.remove("web.yaml")
            await joined.sync()
            statuses: Mapping[int, int] = (await answers(address, "web.test")).statuses
            assert set(statuses) == {404}
            assert set((await answers(address, "more.test")).members) == {ONE, TWO}
            assert not served.control.cache.rejections("mse/gw")
            assert TypeUrl.SCOPED_ROUTE in served.control.cache.clients()[0].types

    asyncio.run(scenario())
