"""An acknowledgement starts no turn, and a long turn pauses for other tasks."""

import asyncio

import aiohttp
import pytest

from fleet.events import Listed, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core import control as control_module
from fleetgate.core.control import ControlPlane, TurnTaken
from fleetgate.core.own_envoys import NoEnvoys
from fleetgate.http.admin import Admin
from tests.control.rig import DECLARED, GATEWAY, NEVER, Said, starting
from tests.support.builders import ingress, mse_gateway
from translators.graph.derive import STEP
from xds.resource import TypeUrl

SHOP = Ref(HUB, "Ingress", "default", "shop")
MANY = 200


def shop(host: str) -> Upserted:
    return Upserted(SHOP, ingress("shop", host=host).path("/", to="shop:80").model())


def test_a_change_takes_one_turn_and_an_answer_without_news_none() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        turns: list[TurnTaken] = []
        control.on_turn(turns.append)
        await source.say(DECLARED, shop("a.example.com"), Listed(HUB))
        await control.started.wait()
        assert len(turns) == 1

        await source.say(shop("b.example.com"))
        assert [turn.events for turn in turns] == [3, 1]

        control.cache.subscribed()  # as a client does
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(turns) == 2

    starting(NEVER, scenario)


def test_who_waits_for_a_turn_gets_one_without_news() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await source.say(DECLARED, Listed(HUB))
        await control.started.wait()
        await control.settle()

    starting(NEVER, scenario)


def many(path: str) -> list[Upserted]:
    """An Ingress for each of many hosts."""
    made = [ingress(f"i{n}", host=f"h{n}.test").path(path, to="web:80") for n in range(MANY)]
    return [Upserted(each.ref(), each.of_class("mse").model()) for each in made]


async def of_many(control: ControlPlane, source: Said, path: str = "/old") -> None:
    """Declare the Ingresses, and wait until they are served."""
    gateway = mse_gateway("gw")
    await source.say(Upserted(gateway.ref(), gateway.model()), *many(path), Listed(HUB))
    await control.started.wait()


@pytest.fixture(params=[("SLICE", 0.0), ("HEAVY", -1)], ids=["between-steps", "in-a-step"])
def pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make turns pause after each step, or compute each step in a thread."""
    name, value = request.param
    monkeypatch.setattr(control_module, name, value)


@pytest.mark.usefixtures("pauses")
def test_others_run_while_a_turn_takes_long_and_none_of_it_is_published_before_its_end() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await of_many(control, source)
        before = served(control)
        await source.say(*many("/new"))
        seen = []
        while control.between_turns.locked():
            seen.append(served(control))
            await asyncio.sleep(0)
        assert len(seen) > MANY / STEP, "turns of the loop, several times in the many rows"
        assert all(versions == before for versions in seen)
        after = served(control)
        assert before.keys() == after.keys()
        assert sum(before[name] != after[name] for name in before) == MANY

    starting(NEVER, scenario)


def served(control: ControlPlane) -> dict[str, str]:
    tables = control.cache.snapshot("mse/gw")[TypeUrl.SCOPED_ROUTE]
    return {name: table.version for name, table in tables.items()}


@pytest.mark.usefixtures("pauses")
def test_health_is_told_during_a_long_turn_and_the_status_after_it() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await of_many(control, source)
        admin = Admin(control, lambda _: "", NoEnvoys())
        url = f"http://127.0.0.1:{await admin.start('127.0.0.1', 0)}"
        answers = 0
        async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as tasks:
            await source.say(*many("no slash"))
            assert control.between_turns.locked()
            status = tasks.create_task(_ask(client, f"{url}/status"))
            while control.between_turns.locked() and not status.done():
                async with client.get(f"{url}/healthz") as answer:
                    answers += answer.status == 200
            assert answers > 3
            problems = {ingress["problems"] for ingress in (await status)["ingresses"]}
            assert problems == {1}, "of every Ingress, or of none"
        await admin.stop()

    starting(NEVER, scenario)


async def _ask(client: aiohttp.ClientSession, url: str) -> dict[str, list[dict[str, int]]]:
    async with client.get(url) as answer:
        found: dict[str, list[dict[str, int]]] = await answer.json()
        return found


@pytest.mark.usefixtures("pauses")
def test_what_is_said_during_a_turn_counts_after_it() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        await of_many(control, source)
        await source.say(*many("/new"))
        assert control.between_turns.locked()
        control.locate({GATEWAY: ("192.0.2.7",)})
        await source.say(shop("shop.test"))
        assert control.between_turns.locked()
        await control.settle()
        status = control.translator.tables.statuses.of_gateways.rows[GATEWAY]
        assert status.addresses == ("192.0.2.7",)
        assert SHOP in control.translator.tables.statuses.of_ingresses.rows

    starting(NEVER, scenario)
