"""The control plane tells its listeners of each change, and of nothing else."""

import asyncio

from fleet.events import Listed, Upserted
from fleet.problem import Problem
from fleet.ref import HUB
from fleetgate.core.control import ControlPlane, News
from tests.control.rig import DECLARED, GATEWAY, NEVER, Said, starting
from translators.dialects.mse.objects import MseIngressConfig
from xds.resource import TypeUrl

LARGER = Upserted(
    GATEWAY,
    MseIngressConfig.model_validate(
        {"metadata": {"name": "gw"}, "spec": {"common": {"instance": {"replicas": 5}}}}
    ),
)
REFUSED = Problem(GATEWAY, "RefusedByHub", "", "Service envoy-mse-gw", "room in the quota")


async def told(control: ControlPlane, source: Said) -> list[News]:
    """Collect all news from the call on."""
    await source.say(DECLARED, Listed(HUB))
    await control.settle()
    heard: list[News] = []
    control.on_news(heard.append)
    return heard


def test_a_gateway_of_another_size_is_news_though_its_status_stays() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        heard = await told(control, source)
        await source.say(LARGER)
        await control.settle()
        (news,) = heard
        assert news.changes.objects == {MseIngressConfig: {GATEWAY}}
        assert news.statuses == frozenset()

    starting(NEVER, scenario)


def test_the_same_object_again_is_no_news() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        heard = await told(control, source)
        await source.say(DECLARED)
        await control.settle()
        assert heard == []

    starting(NEVER, scenario)


def test_what_an_envoy_refuses_is_told_at_once_and_when_it_is_no_longer_declared() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        heard = await told(control, source)
        (table,) = control.cache.snapshot("mse/gw")[TypeUrl.SCOPED_ROUTE].values()
        control.cache.refuse("mse/gw", "envoy-1", TypeUrl.SCOPED_ROUTE, table, "no such field")
        await turns_of_the_loop()
        control.cache.refuse("mse/gw", "envoy-2", TypeUrl.SCOPED_ROUTE, table, "no such field")
        await turns_of_the_loop()
        control.cache.publish("mse/gw", {TypeUrl.SCOPED_ROUTE: {table.name: None}})
        await turns_of_the_loop()
        reasons = [[problem.reason for problem in news.problems] for news in heard]
        assert reasons == [["RejectedByEnvoy"], []]

    starting(NEVER, scenario)


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_problem_that_is_found_beside_the_translation_is_told_when_it_comes_and_goes() -> None:
    async def scenario(control: ControlPlane, source: Said) -> None:
        found = [REFUSED]
        control.finds_problems(lambda: found)
        heard = await told(control, source)
        control.problems_changed()
        await control.settle()
        found.clear()
        control.problems_changed()
        await control.settle()
        assert [news.problems for news in heard] == [(REFUSED,), ()]

    starting(NEVER, scenario)
