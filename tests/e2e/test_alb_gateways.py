"""ALB gateways: several listeners of one real Envoy, each with routes of its own."""

import asyncio
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from fleetgate.demo.fleet import DemoFleet
from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import ask
from fleetgate.demo.loopback import Loopback
from tests.e2e.backends import backend
from tests.e2e.rig import ONE, TWO, Rig, ask_once, gateway_ref, rig, settings_on
from tests.e2e.stock import control_plane, stock_envoy
from tests.support.builders import Builder, IngressBuilder, alb_class, alb_gateway, ingress
from translators.dialects import DIALECTS
from translators.model.bounds import MAX_MATCHED
from translators.model.statuses import Phase

pytestmark = pytest.mark.usefixtures("real_envoy")

GATEWAY = "alb/gw"
LISTEN = "alb.ingress.kubernetes.io/listen-ports"


def gateway(*ports: int, members: tuple[str, ...] = (ONE, TWO)) -> tuple[Builder[Any], ...]:
    """Make a gateway with these listeners, and its class."""
    return alb_gateway("gw", members=members, ports=ports), alb_class("alb", gateway="gw")


def rule(name: str, *ports: int, to: str = "web", host: str = "web.test") -> IngressBuilder:
    listen = ",".join(f'{{"HTTP":{port}}}' for port in ports)
    made = ingress(name, host=host).path("/", to=f"{to}:80").of_class("alb")
    return made.annotate({LISTEN: f"[{listen}]"}) if ports else made


async def answer(address: Address, host: str = "web.test", path: str = "/") -> tuple[int, str]:
    """Return the status of an answer, and the backend that gave it."""
    got = await ask_once(address, Question(path, host))
    return got.status, got.body.decode() if got.status == 200 else ""


def test_a_path_pattern_that_counts_behind_a_run_is_asked_of_short_paths(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("gateway.yaml", *gateway(80))
            made = ingress("rules", host="web.test").of_class("alb")
            for path in ("/files/*/v?", "/any/*"):
                made = made.path(path, to="web:80", kind="ImplementationSpecific")
            served.declare("rules.yaml", made)
            address = await served.address(GATEWAY)
            longest = "/files/".ljust(MAX_MATCHED - 3, "x") + "/v1"
            for path, status in {
                longest: 200,
                f"{longest}?q={'x' * 5000}": 200,
                longest.replace("/v1", "x/v1"): 404,
                f"/any/{'x' * 5000}": 200,
            }.items():
                assert (await answer(address, path=path))[0] == status

    asyncio.run(scenario())


def test_each_listener_has_its_own_rules(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            rig(tmp_path, gateway=False) as served,
            backend("web") as web,
            backend("api") as api,
        ):
            served.expose("web", [web])
            served.expose("api", [api])
            served.declare("gateway.yaml", *gateway(80, 8001))
            served.declare(
                "rules.yaml",
                rule("plain"),  # port 80, as it has no listen-ports
                rule("other", 8001, to="api"),
                rule("both", 80, 8001, host="both.test"),
                rule("any", 8001, host=""),
            )
            first, second = await served.addresses(GATEWAY)
            assert second[1] - first[1] == 8001 - 80
            assert await answer(first) == (200, "web")
            assert await answer(second) == (200, "api")
            assert await answer(first, "both.test") == await answer(second, "both.test")
            assert await answer(first, "unknown.test") == (404, "")
            assert await answer(second, "unknown.test") == (200, "web")
            assert await answer(second, "WEB.test") == (200, "api"), "found in lower case too"

    asyncio.run(scenario())


def test_clients_cannot_choose_the_routes_of_another_listener(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("gateway.yaml", *gateway(80, 8001), rule("inner", 8001))
            first, _ = await served.addresses(GATEWAY)
            spoofed = Question("/", "web.test", {"x-fg-scope": "http-8001|web.test"})
            assert (await ask_once(first, spoofed)).status == 404

    asyncio.run(scenario())


def test_listeners_come_and_go_and_disturb_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("gateway.yaml", *gateway(80))
            served.declare("rules.yaml", rule("web", 80, 8001, 8002))
            (first,) = await served.addresses(GATEWAY)
            load = asyncio.create_task(ask(first, Question("/", "web.test"), 400, connections=2))

            served.declare("gateway.yaml", *gateway(80, 8001))
            _, second = await served.addresses(GATEWAY)
            assert await answer(second) == (200, "web"), "a later listener finds all tables"
            assert (await load).failures == {}

            # The listener that requested the tables first is removed. The others still get changes.
            served.declare("gateway.yaml", *gateway(8001, 8002))
            assert await served.addresses(GATEWAY) == (second, (second[0], second[1] + 1))
            served.declare("more.yaml", rule("more", 8001, 8002, host="more.test"))
            for place in await served.addresses(GATEWAY):
                assert await answer(place) == (200, "web")
                assert await answer(place, "more.test") == (200, "web")
            await _refused(first)

    asyncio.run(scenario())


async def _refused(address: Address) -> None:
    """Return once no socket listens there any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection(*address)
        except ConnectionError:
            return
        writer.close()
        await asyncio.sleep(0.02)  # no event tells when a drained listener has closed its socket


@pytest.mark.parametrize("protocol", ["delta", "sotw"])
def test_a_stock_envoy_takes_a_later_listener(tmp_path: Path, protocol: str) -> None:
    async def scenario() -> None:
        fleet = DemoFleet.create(tmp_path / "fleet", [ONE])
        async with AsyncExitStack() as stack:
            settings = settings_on(stack.enter_context(closing(Loopback())))
            web = await stack.enter_async_context(backend("web"))
            served = await stack.enter_async_context(control_plane(tmp_path, settings))
            joined = Rig(fleet, served, settings)
            joined.expose("web", [web])
            joined.declare("rule.yaml", rule("web", 80, 8001))
            joined.declare("gateway.yaml", *gateway(80, members=(ONE,)))
            joining = stock_envoy(GATEWAY, served.serving.xds_port, tmp_path, protocol=protocol)
            await stack.enter_async_context(joining)
            assert await answer(await joined.address(GATEWAY)) == (200, "web")
            joined.declare("gateway.yaml", *gateway(8001, members=(ONE,)))
            joined.declare("more.yaml", rule("more", 8001, host="more.test"))
            (later,) = await joined.addresses(GATEWAY)
            assert await answer(later) == await answer(later, "more.test") == (200, "web")

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
            served.declare("rule.yaml", rule("web"))
            for members in ((ONE,), (ONE, TWO), (TWO,)):
                served.declare("gateway.yaml", *gateway(80, members=members))
                (address,) = await served.addresses(GATEWAY)
                result = await ask(address, Question("/", "web.test"), 40, connections=4)
                assert result.failures == {}
                assert set(result.members) == set(members)
                status = served.served.control.translator.tables.statuses.of_gateways.rows[
                    gateway_ref(GATEWAY)
                ]
                balancer = DIALECTS.status(gateway_ref(GATEWAY), status)["loadBalancer"]
                assert balancer["subClusters"] == list(members)

    asyncio.run(scenario())


def test_a_canary_takes_its_share_on_every_listener(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            rig(tmp_path, gateway=False) as served,
            backend("web") as web,
            backend("new") as new,
        ):
            served.expose("web", [web])
            served.expose("new", [new])
            keys = {
                "alb.ingress.kubernetes.io/canary": "true",
                "alb.ingress.kubernetes.io/canary-by-header": "stage",
                "alb.ingress.kubernetes.io/canary-by-header-value": "gray",
            }
            canary = rule("canary", 80, 8001, to="new").annotate(keys)
            served.declare("gateway.yaml", *gateway(80, 8001), rule("web", 80, 8001), canary)
            for place in await served.addresses(GATEWAY):
                gray = await ask_once(place, Question("/", "web.test", {"stage": "gray"}))
                assert gray.body == b"new"
                assert await answer(place) == (200, "web")

    asyncio.run(scenario())


def test_both_flavours_side_by_side(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig(tmp_path) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("alb.yaml", *gateway(80), rule("alb", host="alb.test"))
            served.declare("mse.yaml", rule("mse", host="mse.test").of_class("mse"))
            alb, mse = await served.address(GATEWAY), await served.address("gw")
            assert alb != mse
            assert await answer(alb, "alb.test") == await answer(mse, "mse.test") == (200, "web")
            assert await answer(alb, "mse.test") == await answer(mse, "alb.test") == (404, "")

    asyncio.run(scenario())


def test_a_gateway_without_a_listener_has_failed_and_serves_once_it_has_one(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with rig(tmp_path, gateway=False) as served, backend("web") as web:
            served.expose("web", [web])
            served.declare("rule.yaml", rule("web"))
            served.declare("gateway.yaml", *gateway())
            await served.sync()
            status = served.served.control.translator.tables.statuses.of_gateways.rows[
                gateway_ref(GATEWAY)
            ]
            assert (status.phase, status.message) == (
                Phase.FAILED,
                "none of its listeners can be served",
            )
            served.declare("gateway.yaml", *gateway(80))
            assert await answer(await served.address(GATEWAY)) == (200, "web")

    asyncio.run(scenario())
