"""A turn is for news: who only answers starts none."""

import asyncio

from fleet.events import Listed, Upserted
from fleet.ref import HUB, Ref
from fleetgate.control import ControlPlane, TurnTaken
from tests.control.rig import DECLARED, NEVER, Said, starting
from tests.support.builders import ingress

SHOP = Ref(HUB, "Ingress", "default", "shop")


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
