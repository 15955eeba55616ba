"""Members without usable Pods give their shares to others, and get them back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import pytest

from tests.e2e.rig import ONE, TWO
from tests.e2e.standing import Standing
from tests.e2e.weighted import ALL, PODS, SPELLINGS, THREE, Rule, Weighted

PATIENCE = 60
"""Seconds; a Pod is ejected for at most 10."""


def near(shares: Mapping[str, float]) -> object:
    return pytest.approx(shares, abs=4)


Loss: TypeAlias = Callable[[Weighted, Sequence[str]], Awaitable[None]]


async def kill(site: Weighted, members: Sequence[str]) -> None:
    for member in members:
        await site.kill(*PODS[member])


async def scale_to_none(site: Weighted, members: Sequence[str]) -> None:
    for member in members:
        site.serve(member, ())


async def remove_service(site: Weighted, members: Sequence[str]) -> None:
    for member in members:
        (site.rig.fleet.directory(member) / "web.yaml").unlink()


async def detach(site: Weighted, members: Sequence[str]) -> None:
    site.attach(each for each in ALL if each not in members)


LOSSES = [
    pytest.param(kill, id="killed"),
    pytest.param(scale_to_none, id="scaled-to-0"),
    pytest.param(remove_service, id="without-service"),
    pytest.param(detach, id="detached"),
]


async def _lost(rule: Rule, lose: Loss, *members: str) -> None:
    await lose(rule.site, members)
    await rule.site.rig.sync()
    await rule.shares(30)  # Envoy ejects a Pod that fails by its requests


@pytest.mark.parametrize("flavour", SPELLINGS)
@pytest.mark.parametrize("lose", LOSSES)
def test_the_share_of_a_lost_member_goes_to_the_other_weighted_ones(
    trio: Standing[Weighted], flavour: str, lose: Loss
) -> None:
    async def asking() -> Mapping[str, float]:
        weights = {ONE: 20, TWO: 20, THREE: 60}
        rule = await trio.value.declare(f"ratio-{lose.__name__[:4]}", flavour, weights)
        await _lost(rule, lose, THREE)
        lost = await rule.shares()
        await returned(rule, weights)
        return lost

    assert trio.run(asking()) == near({ONE: 50, TWO: 50})


@pytest.mark.parametrize("lose", LOSSES)
def test_a_standby_takes_over_when_no_weighted_member_is_left(
    trio: Standing[Weighted], lose: Loss
) -> None:
    async def asking() -> tuple[Mapping[str, float], Mapping[str, float]]:
        weights = {ONE: 60, TWO: 40}
        rule = await trio.value.declare(f"standby-{lose.__name__[:4]}", "mse", weights)
        usual = await rule.shares()
        await _lost(rule, lose, ONE, TWO)
        lost = await rule.shares()
        await returned(rule, weights)
        return usual, lost

    usual, lost = trio.run(asking())
    assert usual == near({ONE: 60, TWO: 40})
    assert lost == {THREE: 100}


async def returned(rule: Rule, shares: Mapping[str, float]) -> None:
    """Bring all Pods back; return once the members have these shares."""
    await rule.site.usual()
    async with asyncio.timeout(PATIENCE):
        while await rule.shares(100) != near(shares):
            pass


@pytest.mark.parametrize("lose", LOSSES)
def test_a_drained_member_is_not_even_a_standby(trio: Standing[Weighted], lose: Loss) -> None:
    async def asking() -> Mapping[str, float]:
        weights = {ONE: 100, TWO: 0, THREE: 0}
        rule = await trio.value.declare(f"drained-{lose.__name__[:4]}", "mse", weights)
        await _lost(rule, lose, ONE)
        return await rule.shares(50)

    assert trio.run(asking()) == {"503": 100}


@pytest.mark.parametrize(
    ("dead", "shares"),
    [
        pytest.param(PODS[ONE][:1], {ONE: 60, TWO: 40}, id="one-of-three"),
        pytest.param(PODS[ONE][:2], {ONE: 60, TWO: 40}, id="two-of-three"),
        pytest.param(PODS[ONE], {TWO: 100}, id="all"),
    ],
)
def test_a_member_keeps_its_weight_while_one_pod_is_usable(
    trio: Standing[Weighted], dead: tuple[str, ...], shares: Mapping[str, float]
) -> None:
    async def asking() -> Mapping[str, float]:
        rule = await trio.value.declare(f"some-{len(dead)}", "mse", {ONE: 60, TWO: 40})
        await trio.value.kill(*dead)
        await rule.shares(60)
        return await rule.shares(100)

    assert trio.run(asking()) == pytest.approx(shares, abs=6)


def test_a_weight_changes_and_no_connection_ends(trio: Standing[Weighted]) -> None:
    async def asking() -> list[Mapping[str, float]]:
        rule = await trio.value.declare("ramp", "mse", {ONE: 100})
        seen = []
        for share in (90, 50, 10, 0):
            await rule.reweigh({ONE: share, TWO: 100 - share})
            seen.append(await rule.shares())
        return seen

    assert trio.run(asking()) == [
        near({ONE: 90, TWO: 10}),
        near({ONE: 50, TWO: 50}),
        near({ONE: 10, TWO: 90}),
        {TWO: 100},
    ]
