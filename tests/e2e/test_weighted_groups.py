"""Standbys and far members serve before another Service does, in a group and behind a canary."""

import json
from collections.abc import Mapping
from typing import Final

import pytest

from tests.e2e.rig import ONE, TWO
from tests.e2e.standing import Standing
from tests.e2e.weighted import ALL, PODS, THREE, Rule, Weighted, weighted

NGINX: Final = "nginx.ingress.kubernetes.io/"

ALWAYS: Final = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "100"}

HOME: Final = {"region": "north", "zone": "a", "prefer": "zone"}


def expose(site: Weighted, service: str, *names: str) -> None:
    """Let a Service have these Pods, each in its member."""
    for member in ALL:
        held = [site.pods[name] for name in names if name in PODS[member]]
        site.rig.expose(service, held, member=member)


async def after_the_loss_of_one(rule: Rule, number: int = 100) -> Mapping[str, float]:
    """Kill all Pods of the first member, and return the shares."""
    await rule.site.kill(*PODS[ONE])
    await rule.shares(60)  # Envoy ejects a Pod that fails by its requests
    return await rule.shares(number)


def test_a_standby_of_a_group_serves_before_the_other_service(trio: Standing[Weighted]) -> None:
    groups = [
        {"serviceName": "first", "servicePort": 80, "weight": 80},
        {"serviceName": "second", "servicePort": 80, "weight": 20},
    ]
    group = [{"type": "ForwardGroup", "forwardConfig": {"serverGroups": groups}}]

    async def asking() -> Mapping[str, float]:
        site = trio.value
        expose(site, "first", *PODS[ONE], *PODS[TWO])
        expose(site, "second", *PODS[THREE])
        action = {"alb.ingress.kubernetes.io/actions.split": json.dumps(group)}
        to = "split:use-annotation"
        site.rig.declare("group.yaml", weighted("group-alb", "alb", {ONE: 100}, action, to=to))
        await site.rig.sync()
        return await after_the_loss_of_one(Rule(site, "group", "alb"), 600)

    assert trio.run(asking()) == pytest.approx({TWO: 80, THREE: 20}, abs=9)


@pytest.mark.parametrize(
    ("weights", "settings"),
    [
        pytest.param({ONE: 100}, {}, id="weighted"),
        pytest.param({}, HOME, id="preferred"),
    ],
)
def test_a_standby_of_a_canary_serves_before_its_main(
    trio: Standing[Weighted], weights: Mapping[str, int], settings: Mapping[str, str]
) -> None:
    async def asking() -> Mapping[str, float]:
        site, name = trio.value, "prefer" if settings else "weigh"
        site.place(ONE, "north", "a")
        site.place(TWO, "north", "b")
        site.attach(ALL, settings)
        expose(site, "next", *PODS[ONE], *PODS[TWO])
        expose(site, "main", *PODS[THREE])
        host = f"{name}-mse.test"
        main = weighted(f"{name}-main", "mse", {}, host=host, to="main:80")
        canary = weighted(f"{name}-next", "mse", weights, ALWAYS, host=host, to="next:80")
        site.rig.declare(f"{name}.yaml", main, canary)
        await site.rig.sync()
        return await after_the_loss_of_one(Rule(site, name, "mse"))

    assert trio.run(asking()) == {TWO: 100}
