"""Gateways that prefer near members: the settings, and the priorities that Envoy is told."""

from collections.abc import Mapping
from typing import Any

import pytest

from fleet.events import Configured
from fleet.member_settings import MemberSettings
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.translation import World
from translators.model.nearness import NOWHERE, Nearness, Place, Prefer, tiers_by_nearness
from xds.readable import readable
from xds.resource import TypeUrl

HERE, THERE, ABROAD = "here", "there", "abroad"
PLACES = {
    HERE: Place("north", "north-a"),
    THERE: Place("north", "north-b"),
    ABROAD: Place("south", "south-a"),
}
GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")
FLEETGATE = "fleetgate.dev/"
AT_HOME = {"region": "north", "zone": "north-a"}


def placed(member: str, place: Place) -> Configured:
    return Configured(member, MemberSettings(region=place.region, zone=place.zone))


def served(
    settings: Mapping[str, str],
    pods: Mapping[str, int] = dict.fromkeys(PLACES, 2),
    more: Mapping[str, str] | None = None,
) -> World:
    """Make a fleet whose members have so many Pods, behind a gateway with these settings."""
    world = World()
    world.attach(HUB, *PLACES)
    world.apply(placed(member, place) for member, place in PLACES.items())
    spelt = {f"{FLEETGATE}{name}": value for name, value in settings.items()}
    world.put(mse_gateway("gw", members=PLACES).annotate(spelt).manifest)
    for i, (member, count) in enumerate(pods.items()):
        slices = slice_of(
            "web", addresses=[f"10.0.{i}.{n}" for n in range(1, count + 1)], port_name="http"
        )
        world.put(service("web", ports={"http": 80}).manifest, slices.manifest, origin=member)
    rule = (
        ingress("web", host="web.test").path("/", to="web:80").of_class("mse").annotate(more or {})
    )
    world.put(rule.manifest)
    return world


def assigned(world: World) -> Mapping[str, Any]:  # as YAML has it
    ((_, name),) = [key for key in world.snapshots["mse/gw"] if key[0] is TypeUrl.ENDPOINT]
    shown = readable(TypeUrl.ENDPOINT, world.snapshots["mse/gw"][TypeUrl.ENDPOINT, name].body)
    assert isinstance(shown, Mapping)
    return shown


def priorities(world: World) -> dict[str, str]:
    """Return the priority of each member, marked if its Pods are degraded."""
    found = {}
    for each in assigned(world).get("endpoints", ()):
        degraded = {pod.get("health_status", "") for pod in each["lb_endpoints"]} == {"DEGRADED"}
        mark = " degraded" if degraded else ""
        found[each["locality"]["sub_zone"]] = f"{each.get('priority', 0)}{mark}"
    return found


def told(world: World) -> list[Problem]:
    return [p for p in world.translator.tables.statuses.problems() if p.at == GATEWAY]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, {HERE: "0", THERE: "0", ABROAD: "0"}, id="absent"),
        pytest.param(AT_HOME, {HERE: "0", THERE: "0", ABROAD: "0"}, id="a-place-alone"),
        pytest.param(AT_HOME | {"prefer": "none"}, {HERE: "0", THERE: "0", ABROAD: "0"}, id="none"),
        pytest.param(
            AT_HOME | {"prefer": "zone"},
            {HERE: "0", THERE: "1", ABROAD: "2 degraded"},
            id="zone",
        ),
        pytest.param(
            AT_HOME | {"prefer": "region"},
            {HERE: "0", THERE: "0", ABROAD: "1 degraded"},
            id="region",
        ),
        pytest.param(
            {"region": "west", "prefer": "region"},
            {HERE: "0", THERE: "0", ABROAD: "0"},
            id="nobody-is-near",
        ),
    ],
)
def test_nearer_members_come_first(settings: Mapping[str, str], expected: dict[str, str]) -> None:
    world = served(settings)
    assert priorities(world) == expected
    assert told(world) == []


@pytest.mark.parametrize(
    ("prefer", "here", "there", "distance"),
    [
        pytest.param(Prefer.ZONE, Place("n", "a"), Place("n", "a"), 0, id="same"),
        pytest.param(Prefer.ZONE, Place("n", "a"), Place("s", "a"), 2, id="zone-of-another-region"),
        pytest.param(Prefer.ZONE, Place("", "a"), Place("s", "a"), 0, id="gateway-without-region"),
        pytest.param(Prefer.ZONE, Place("n", "a"), Place("", "a"), 0, id="member-without-region"),
        pytest.param(Prefer.ZONE, Place("n", "a"), Place("n"), 1, id="region-alone"),
        pytest.param(Prefer.ZONE, Place("n", "a"), NOWHERE, 2, id="nowhere"),
        pytest.param(Prefer.REGION, Place("n", "a"), Place("n", "b"), 0, id="same-region"),
        pytest.param(Prefer.REGION, Place("n", "a"), NOWHERE, 1, id="nowhere-by-region"),
        pytest.param(Prefer.NONE, Place("n", "a"), NOWHERE, 0, id="no-preference"),
    ],
)
def test_distances(prefer: Prefer, here: Place, there: Place, distance: int) -> None:
    assert Nearness(here, prefer).distance(there) == distance


def test_tiers_have_no_gaps() -> None:
    assert tiers_by_nearness({"a": 2, "b": 0, "c": 2}) == {"a": 1, "b": 0, "c": 1}
    assert tiers_by_nearness({}) == {}


def test_members_without_pods_take_no_tier() -> None:
    world = served(AT_HOME | {"prefer": "zone"}, {HERE: 0, THERE: 2, ABROAD: 2})
    assert priorities(world) == {THERE: "0", ABROAD: "1 degraded"}


def test_a_subset_comes_before_nearness() -> None:
    subset = {"mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {ABROAD}"}
    world = served(AT_HOME | {"prefer": "zone"}, more=subset)
    assert priorities(world) == {ABROAD: "2", HERE: "3", THERE: "4"}


def test_weights_of_members_count_instead_of_nearness() -> None:
    weights = {f"{FLEETGATE}cluster-weight.{ABROAD}": "100"}
    world = served(AT_HOME | {"prefer": "zone"}, more=weights)
    assert priorities(world) == {
        ABROAD: "0",
        HERE: "1 degraded",
        THERE: "1 degraded",
    }


@pytest.mark.parametrize(
    ("settings", "factor"),
    [
        pytest.param({"prefer": "zone"}, 1_000_000, id="default"),
        pytest.param({"prefer": "zone", "overprovisioning": "140"}, 140, id="set"),
    ],
)
def test_overprovisioning_is_a_setting(settings: dict[str, str], factor: int) -> None:
    world = served(AT_HOME | settings)
    assert assigned(world)["policy"]["overprovisioning_factor"] == factor


def test_a_subset_without_nearness_keeps_its_factor() -> None:
    world = served(AT_HOME | {"overprovisioning": "140"})
    assert assigned(world)["policy"]["overprovisioning_factor"] == 1_000_000


@pytest.mark.parametrize(
    ("settings", "key", "expected", "effect"),
    [
        pytest.param(
            {"prefer": "zone", "region": "north"},
            "prefer",
            "fleetgate.dev/zone beside it, with the gateway's own place",
            "all members are equally near",
            id="zone-without-zone",
        ),
        pytest.param(
            {"prefer": "region"},
            "prefer",
            "fleetgate.dev/region beside it, with the gateway's own place",
            "all members are equally near",
            id="region-without-region",
        ),
        pytest.param(
            AT_HOME | {"prefer": "near"},
            "prefer",
            "zone or region or none",
            "none holds",
            id="word",
        ),
        pytest.param(
            AT_HOME | {"prefer": "zone", "overprovisioning": "99"},
            "overprovisioning",
            "an integer from 100 to 100000",
            "no spilling holds",
            id="too-few-percent",
        ),
        pytest.param(
            {"overprovisioning": "140"},
            "overprovisioning",
            "fleetgate.dev/prefer: zone or region",
            "no effect",
            id="percent-without-preference",
        ),
        pytest.param(
            {"region": "no rth"},
            "region",
            "a name of up to 63 letters, digits, -, _ and .",
            "none holds",
            id="not-a-name",
        ),
    ],
)
def test_mistakes_are_told(
    settings: Mapping[str, str], key: str, expected: str, effect: str
) -> None:
    (problem,) = told(served(settings))
    assert (problem.key, problem.value) == (f"{FLEETGATE}{key}", settings[key])
    assert (problem.expected, problem.effect) == (expected, effect)


def test_a_member_that_moves_concerns_the_assignments_alone() -> None:
    world = served(AT_HOME | {"prefer": "zone"})
    computed = world.apply([placed(ABROAD, PLACES[HERE])])
    assert computed.get("assignments") == 1
    assert "clusters" not in computed
    assert "host tables" not in computed
    assert priorities(world) == {HERE: "0", ABROAD: "0", THERE: "1 degraded"}


def test_a_member_that_moves_concerns_no_gateway_without_preference() -> None:
    world = served(AT_HOME)
    assert "assignments" not in world.apply([placed(ABROAD, PLACES[HERE])])
