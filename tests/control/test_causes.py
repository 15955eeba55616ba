"""A cause is reported once, however many objects suffer from it."""

import pytest

from fleetgate.core.problems import all_problems
from tests.support.builders import ingress, mse_gateway, service
from tests.support.translation import World

INGRESSES = 200


def fleet(*members: str) -> World:
    """Declare two gateways that attach these members, and Ingresses that both of them take."""
    world = World()
    world.attach("c1")
    world.put(*(mse_gateway(name, members=members).manifest for name in ("a", "b")))
    shops = (
        ingress(f"shop-{n}", host=f"shop-{n}.test").path("/", to="web:80").of_class("mse")
        for n in range(INGRESSES)
    )
    world.put(*(shop.manifest for shop in shops))
    return world


def told(world: World) -> list[str]:
    """Return the problems with an event and a log line of their own."""
    found = all_problems(world.state, world.translator.tables)
    return [f"{problem.at}: {problem.reason}" for problem in found if not problem.because]


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        pytest.param([], "NoMembers", id="no-member-is-attached"),
        pytest.param(["gone"], "MemberNotFound", id="the-attached-one-is-gone"),
    ],
)
def test_what_gateways_are_at_fault_for_is_told_of_them_alone(
    members: list[str], cause: str
) -> None:
    world = fleet(*members)

    assert told(world) == [f"MseIngressConfig {name}: {cause}" for name in ("a", "b")]
    suffering = [p for p in all_problems(world.state, world.translator.tables) if p.because]
    assert len(suffering) == INGRESSES


def test_a_mistake_of_an_ingress_is_told_of_it_once_for_all_its_gateways() -> None:
    assert len(told(fleet("c1"))) == INGRESSES


def test_what_is_mended_at_its_cause_is_told_of_nobody_any_more() -> None:
    world = fleet("gone")
    world.attach("gone")
    world.put(service("web").manifest, origin="gone")

    assert {line.partition(": ")[2] for line in told(world)} == {"NoEndpointSlices"}
