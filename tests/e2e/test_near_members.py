"""A gateway that prefers near members: requests leave them when they must, and come back."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from fleetgate.demo.http import Question
from fleetgate.demo.load import Load, try_times
from tests.e2e.rig import ONE, TWO
from tests.e2e.standing import Standing
from tests.e2e.weighted import ALL, PODS, SPELLINGS, THREE, Client, Rule, Weighted

PATIENCE = 60
"""Seconds; a Pod is ejected for at most 10."""

STICKY = {
    "nginx.ingress.kubernetes.io/affinity": "cookie",
    "nginx.ingress.kubernetes.io/affinity-mode": "persistent",
}

AT_HOME: Final = {"region": "north", "zone": "a"}
"""The place of the gateway, and of the member ONE. TWO is in the same region."""


async def near(
    site: Weighted,
    name: str,
    flavour: str = "mse",
    more: Mapping[str, str] | None = None,
    prefer: str = "zone",
    overprovisioning: str = "",
) -> Rule:
    """Declare an Ingress at a gateway that prefers near members, of which all Pods are usable.

    All Ingresses have the same Cluster, so Pods may still be ejected by what was before.
    """
    site.place(ONE, "north", "a")
    site.place(TWO, "north", "b")
    site.place(THREE, "south", "a")
    spilling = {"overprovisioning": overprovisioning} if overprovisioning else {}
    site.attach(ALL, AT_HOME | {"prefer": prefer} | spilling)
    rule = await site.declare(name, flavour, {}, more)
    await _usable(rule)
    return rule


async def _usable(rule: Rule) -> None:
    """Return once each of the near Pods has answered within a few requests."""
    async with asyncio.timeout(PATIENCE):
        while not set(PODS[ONE]) <= await _pods(rule):
            pass


async def _pods(rule: Rule) -> set[str]:
    answers = await try_times(rule.address, Question("/", rule.host), 20)
    return {answer.body.decode() for answer in answers}


@pytest.mark.parametrize("flavour", SPELLINGS)
def test_the_nearest_members_with_usable_pods_get_all_requests(
    trio: Standing[Weighted], flavour: str
) -> None:
    async def asking() -> list[Mapping[str, float]]:
        rule = await near(trio.value, "zone", flavour)
        seen = [await rule.shares()]
        for member in (ONE, TWO):
            await trio.value.kill(*PODS[member])
            await rule.shares(30)  # Envoy ejects a Pod that fails by its requests
            seen.append(await rule.shares())
        return seen

    assert trio.run(asking()) == [{ONE: 100}, {TWO: 100}, {THREE: 100}]


def test_a_region_shares_the_requests_by_pods(trio: Standing[Weighted]) -> None:
    async def asking() -> Mapping[str, float]:
        rule = await near(trio.value, "region", prefer="region")
        return await rule.shares(400)

    assert trio.run(asking()) == pytest.approx({ONE: 75, TWO: 25}, abs=4)


def test_no_request_is_lost_when_all_near_pods_are_killed(trio: Standing[Weighted]) -> None:
    async def asking() -> tuple[int, Sequence[str]]:
        rule = await near(trio.value, "lossless")
        load = Load(rule.address, Question("/", rule.host), connections=8)
        async with load.running():
            await load.answered(200)
            await trio.value.kill(*PODS[ONE])
            await load.answered(400)
        return len(load.asked), [each.failure for each in load.asked if each.failure]

    total, failed = trio.run(asking())
    assert total > 400
    assert failed == []


@pytest.mark.parametrize(
    ("percent", "shares"),
    [
        pytest.param("", {ONE: 100}, id="only-when-none-is-left"),
        pytest.param("150", {ONE: 50, TWO: 50}, id="by-overprovisioning"),
    ],
)
def test_requests_spill_over_as_the_setting_says(
    trio: Standing[Weighted], percent: str, shares: Mapping[str, float]
) -> None:
    """One of three near Pods is usable: 33 % times 150 % leaves half of the requests there."""

    async def asking() -> Mapping[str, float]:
        rule = await near(trio.value, f"spill{percent}", overprovisioning=percent)
        await trio.value.kill(*PODS[ONE][:2])
        await rule.shares(60)
        return await rule.shares()

    assert trio.run(asking()) == pytest.approx(shares, abs=6)


def test_a_client_with_a_cookie_comes_home_from_the_farthest_member(
    trio: Standing[Weighted],
) -> None:
    async def asking() -> tuple[str, str]:
        rule = await near(trio.value, "home", more=STICKY, prefer="region")
        client = Client(rule)
        usual = await client.pod()
        await trio.value.kill(*PODS[ONE], *PODS[TWO])
        async with asyncio.timeout(PATIENCE):
            while not (away := await client.pod()).startswith(THREE):
                pass
        for mortal in trio.value.mortals.values():
            await mortal.live()
        async with asyncio.timeout(PATIENCE):
            while (await client.pod()).startswith(THREE):
                pass
        return usual, away

    usual, away = trio.run(asking())
    assert not usual.startswith(THREE)
    assert away.startswith(THREE)
