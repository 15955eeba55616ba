"""Members get their shares of the requests, whatever the number of their Pods."""

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.rig import ONE, TWO
from tests.e2e.standing import Standing, standing
from tests.e2e.weighted import PODS, SPELLINGS, THREE, Weighted, weighted_site

SLACK = 2.0
"""Percentage points: each worker of Envoy begins its turns anew with each change."""


@pytest.fixture(scope="module")
def standing_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Weighted]]:
    with standing(weighted_site(tmp_path_factory.mktemp("weighted"))) as site:
        yield site


@pytest.fixture
def site(standing_site: Standing[Weighted]) -> Standing[Weighted]:
    standing_site.run(standing_site.value.usual())
    return standing_site


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
    site: Standing[Weighted],
    flavour: str,
    weights: dict[str, int | str],
    shares: Mapping[str, float],
) -> None:
    async def asking() -> Mapping[str, float]:
        return await (await site.value.declare("shares", flavour, weights)).shares()

    assert site.run(asking()) == near(shares)


def test_a_share_is_even_within_a_member(site: Standing[Weighted]) -> None:
    async def asking() -> list[int]:
        rule = await site.value.declare("even", "mse", {ONE: 60, TWO: 40})
        before = {name: len(site.value.pods[name].asked) for name in PODS[ONE]}
        await rule.shares(300)
        return [len(site.value.pods[name].asked) - count for name, count in before.items()]

    assert site.run(asking()) == pytest.approx([60, 60, 60], abs=6)


def test_ingresses_weigh_the_same_service_each_for_itself(site: Standing[Weighted]) -> None:
    async def asking() -> list[Mapping[str, float]]:
        first = await site.value.declare("first", "mse", {ONE: 100})
        second = await site.value.declare("second", "mse", {TWO: 100})
        third = await site.value.declare("third", "mse", {})
        return [await each.shares(100) for each in (first, second, third)]

    assert site.run(asking()) == [{ONE: 100}, {TWO: 100}, near(POOL)]
