"""Members get their shares of the requests, whatever the number of their Pods."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest

from fleetgate.demo.http import Question
from tests.e2e.rig import ONE, TWO, ask_once
from tests.e2e.standing import Standing
from tests.e2e.weighted import PODS, SPELLINGS, THREE, Weighted, weighted

PATIENCE = 60
"""Seconds; a Pod is ejected for at most 10."""

SLACK = 2.0
"""Percentage points: each worker of Envoy begins its turns anew with each change."""


@pytest.fixture
def duo(trio: Standing[Weighted]) -> Standing[Weighted]:
    trio.run(trio.value.usual((ONE, TWO)))
    return trio


POOL = {ONE: 75, TWO: 25}


def near(shares: Mapping[str, float]) -> object:
    return pytest.approx(shares, abs=SLACK)


@pytest.mark.parametrize("flavour", SPELLINGS)
@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        pytest.param({}, POOL, id="none"),
        pytest.param({ONE: 100}, {ONE: 100}, id="all-to-one"),
        pytest.param({ONE: 60, TWO: 40}, {ONE: 60, TWO: 40}, id="60-to-40"),
        pytest.param({ONE: 1, TWO: 99}, {ONE: 1, TWO: 99}, id="1-to-99"),
        pytest.param({ONE: 30, TWO: 30, "gone": 40}, {ONE: 50, TWO: 50}, id="not-attached"),
        pytest.param({"gone": 100, THREE: 0}, POOL, id="all-skipped"),
        pytest.param({ONE: 10, TWO: 30}, {ONE: 25, TWO: 75}, id="sum-of-40"),
        pytest.param({ONE: 50, TWO: 75}, {ONE: 40, TWO: 60}, id="sum-of-125"),
        pytest.param({ONE: "half", TWO: 100}, {TWO: 100}, id="not-an-integer"),
        pytest.param({ONE: -1, TWO: 100}, {TWO: 100}, id="negative"),
        pytest.param({ONE: 101, TWO: 100}, {TWO: 100}, id="above-100"),
        pytest.param({ONE: 0, TWO: 100}, {TWO: 100}, id="drained"),
        pytest.param({ONE: 0, TWO: 0}, POOL, id="all-zero"),
    ],
)
def test_the_shares_are_as_the_weights_say(
    duo: Standing[Weighted],
    flavour: str,
    weights: dict[str, int | str],
    shares: Mapping[str, float],
) -> None:
    async def asking() -> Mapping[str, float]:
        return await (await duo.value.declare("shares", flavour, weights)).shares()

    assert duo.run(asking()) == near(shares)


def test_a_share_is_even_within_a_member(duo: Standing[Weighted]) -> None:
    async def asking() -> list[int]:
        rule = await duo.value.declare("even", "mse", {ONE: 60, TWO: 40})
        before = {name: len(duo.value.pods[name].asked) for name in PODS[ONE]}
        await rule.shares(300)
        return [len(duo.value.pods[name].asked) - count for name, count in before.items()]

    assert duo.run(asking()) == pytest.approx([60, 60, 60], abs=6)


def test_ingresses_weigh_the_same_service_each_for_itself(duo: Standing[Weighted]) -> None:
    async def asking() -> list[Mapping[str, float]]:
        first = await duo.value.declare("first", "mse", {ONE: 100})
        second = await duo.value.declare("second", "mse", {TWO: 100})
        third = await duo.value.declare("third", "mse", {})
        return [await each.shares(100) for each in (first, second, third)]

    assert duo.run(asking()) == [{ONE: 100}, {TWO: 100}, near(POOL)]


NGINX = "nginx.ingress.kubernetes.io/"
LABELS = "mse.ingress.kubernetes.io/subset-labels"


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param({f"{NGINX}load-balance": "least_conn"}, id="least-conn"),
        pytest.param({f"{NGINX}load-balance": "random"}, id="random"),
        pytest.param({f"{NGINX}upstream-hash-by": "$request_uri"}, id="hash"),
        pytest.param({"mse.ingress.kubernetes.io/warmup": "5"}, id="warmup"),
    ],
)
def test_the_shares_hold_however_a_pod_is_chosen(
    duo: Standing[Weighted], choice: Mapping[str, str]
) -> None:
    n = 600

    async def asking() -> Counter[str]:
        rule = await duo.value.declare("choice", "mse", {ONE: 40, TWO: 60}, choice)
        questions = [Question(f"/{number}", rule.host) for number in range(n)]
        answers = [await ask_once(rule.address, question) for question in questions]
        return Counter(answer.headers["x-member"] for answer in answers)

    # 600 tosses are more than 12 points off once in a billion times.
    assert 100 * duo.run(asking())[ONE] / n == pytest.approx(40, abs=12)


def test_standbys_of_a_subset_come_before_the_pods_beside_it(duo: Standing[Weighted]) -> None:
    async def asking() -> list[Mapping[str, float]]:
        subset = {LABELS: f"topology.istio.io/cluster {TWO}"}
        await duo.value.usual((ONE, TWO, THREE))
        rule = await duo.value.declare("subset", "mse", {ONE: 50, THREE: 50}, subset)
        seen = [await rule.shares(50)]
        duo.value.serve(TWO, ())
        await duo.value.rig.sync()
        # Pods that tests before this one have killed may still be ejected.
        async with asyncio.timeout(PATIENCE):
            while await rule.shares() != near({ONE: 50, THREE: 50}):
                pass
        return seen

    assert duo.run(asking()) == [{TWO: 100}]


@pytest.mark.parametrize("flavour", SPELLINGS)
def test_a_canary_goes_by_its_own_weights_and_then_to_the_main(
    duo: Standing[Weighted], flavour: str
) -> None:
    chosen = {f"{NGINX}canary": "true", f"{NGINX}canary-by-header": "x-canary"}

    async def asking() -> list[Mapping[str, float]]:
        main = await duo.value.declare("main", flavour, {ONE: 100, TWO: 0})
        beside = weighted("canary", flavour, {TWO: 100, ONE: 0}, chosen, host=main.host)
        duo.value.rig.declare("canary.yaml", beside)
        await duo.value.rig.sync()
        canary = {"x-canary": "always"}
        seen = [await main.shares(50), await main.shares(50, canary)]
        duo.value.serve(TWO, ())
        await duo.value.rig.sync()
        seen.append(await main.shares(50, canary))
        duo.value.rig.fleet.remove("canary.yaml")
        return seen

    assert duo.run(asking()) == [{ONE: 100}, {TWO: 100}, {ONE: 100}]
