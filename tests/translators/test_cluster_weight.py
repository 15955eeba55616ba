"""Weights of members: what the annotations say, and what Envoy is told."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from fleet.problem import Problem
from fleet.ref import HUB, Ref
from tests.support.builders import (
    Builder,
    IngressBuilder,
    alb_class,
    alb_gateway,
    ingress,
    mse_gateway,
    pod,
    service,
    slice_of,
)
from tests.support.translation import World
from translators.model.bounds import MAX_WEIGHTS
from xds.readable import readable
from xds.resource import TypeUrl

ONE, TWO, THREE = "one", "two", "three"
ALB, FLEETGATE = "alb.ingress.kubernetes.io/", "fleetgate.dev/"
SPELLINGS = {"mse": FLEETGATE, "alb": ALB}
NAME = "default/web/80#web"
PODS = {ONE: ("10.0.1.1", "10.0.1.2", "10.0.1.3"), TWO: ("10.0.2.1",), THREE: ("10.0.3.1",)}


def spelt(weights: Mapping[str, str], flavour: str = "mse") -> dict[str, str]:
    return {f"{SPELLINGS[flavour]}cluster-weight.{k}": text for k, text in weights.items()}


def rule_of(weights: Mapping[str, str], flavour: str = "mse") -> IngressBuilder:
    made = ingress("web", host="web.test").path("/", to="web:80").of_class(flavour)
    return made.annotate(spelt(weights, flavour))


def served(
    rule: Builder[Any],
    flavour: str = "mse",
    *,
    members: Iterable[str] = (ONE, TWO),
    pods: Mapping[str, Iterable[str]] = PODS,
) -> World:
    """Make a fleet with a gateway of each flavour, this Ingress and these Pods."""
    world = World()
    world.attach(HUB, ONE, TWO, THREE)
    if flavour == "mse":
        world.put(mse_gateway("gw", members=members).manifest)
    else:
        world.put(alb_gateway("gw", members=tuple(members)).manifest)
        world.put(alb_class("alb", gateway="gw").manifest)
    for member, addresses in pods.items():
        slices = slice_of("web", addresses=addresses, port_name="http")
        world.put(service("web", ports={"http": 80}).manifest, slices.manifest, origin=member)
    world.put(rule.manifest)
    return world


def assigned(world: World, name: str = NAME, gateway: str = "mse/gw") -> list[str]:
    """Return each locality as PRIORITY MEMBER WEIGHT PODS, marked if its Pods are degraded."""
    shown: Any = readable(TypeUrl.ENDPOINT, world.snapshots[gateway][TypeUrl.ENDPOINT, name].body)
    lines = []
    for each in shown.get("endpoints", ()):
        health = {pod.get("health_status", "") for pod in each["lb_endpoints"]}
        marks = "".join(f" {mark}" for mark in health if mark)
        place, weight = each["locality"].get("sub_zone", ""), each["load_balancing_weight"]
        count = len(each["lb_endpoints"])
        lines.append(f"{each.get('priority', 0)} {place} {weight} {count}{marks}")
    return lines


def told(world: World) -> list[Problem]:
    rows = world.translator.tables.statuses.of_ingresses.rows
    return list(rows[Ref(HUB, "Ingress", "default", "web")].problems)


ALL = ["0  4 4"]
SUM = "weights that add up: cluster-weight sum is {}, must be 100"
INTEGER = "an integer from 0 to 100"


@pytest.mark.parametrize("flavour", SPELLINGS)
@pytest.mark.parametrize(
    ("weights", "localities", "expected"),
    [
        pytest.param(
            {ONE: "100"}, ["0 one 100 3", "1 two 1 1 DEGRADED"], [], id="all-to-one-of-them"
        ),
        pytest.param({ONE: "60", TWO: "40"}, ["0 one 60 3", "0 two 40 1"], [], id="60-to-40"),
        pytest.param({ONE: " 60 ", TWO: "+40"}, ["0 one 60 3", "0 two 40 1"], [], id="blanks"),
        pytest.param({ONE: "100", TWO: "0"}, ["0 one 100 3"], [], id="zero-is-excluded"),
        pytest.param(
            {ONE: "60", "gone": "40"},
            ["0 one 60 3", "1 two 1 1 DEGRADED"],
            ["a cluster that {gw} attaches, not gone"],
            id="not-attached",
        ),
        pytest.param(
            {ONE: "30", TWO: "30", "gone": "40"},
            ["0 one 30 3", "0 two 30 1"],
            ["a cluster that {gw} attaches, not gone"],
            id="the-others-keep-their-ratio",
        ),
        pytest.param(
            {"gone": "100"}, ALL, ["a cluster that {gw} attaches, not gone"], id="all-skipped"
        ),
        pytest.param(
            {ONE: "50", TWO: "40"}, ["0 one 50 3", "0 two 40 1"], [SUM.format(90)], id="90"
        ),
        pytest.param(
            {ONE: "100", TWO: "100"}, ["0 one 100 3", "0 two 100 1"], [SUM.format(200)], id="200"
        ),
        pytest.param({ONE: "0", TWO: "0"}, ALL, [SUM.format(0)], id="all-zero"),
        pytest.param(
            {ONE: "100", TWO: "-1"}, ["0 one 100 3", "1 two 1 1 DEGRADED"], [INTEGER], id="negative"
        ),
        pytest.param(
            {ONE: "100", TWO: "101"},
            ["0 one 100 3", "1 two 1 1 DEGRADED"],
            [INTEGER],
            id="above-100",
        ),
        pytest.param({ONE: "40%"}, ALL, [INTEGER], id="unit"),
        pytest.param({ONE: "12.5"}, ALL, [INTEGER], id="fraction"),
        pytest.param({ONE: "9" * 5000}, ALL, [INTEGER], id="huge"),
        pytest.param({ONE: "1\x000"}, ALL, [INTEGER], id="control-character"),
        pytest.param(
            {ONE: "0", "gone": "100"},
            ["1 two 1 1"],
            ["a cluster that {gw} attaches, not gone"],
            id="what-is-drained-stays-drained",
        ),
    ],
)
def test_the_weights_of_an_ingress(
    flavour: str, weights: dict[str, str], localities: list[str], expected: list[str]
) -> None:
    world = served(rule_of(weights, flavour), flavour)
    gateway = f"{flavour}/gw"
    assert assigned(world, gateway=gateway) == localities
    assert [p.expected for p in told(world)] == [each.format(gw=gateway) for each in expected]


@pytest.mark.parametrize(
    ("weights", "reason", "effect"),
    [
        pytest.param(
            {ONE: "60", "gone": "40"}, "ClusterNotAttached", "the weight is left out", id="skipped"
        ),
        pytest.param(
            {"gone": "100"},
            "ClusterNotAttached",
            "all Pods of its clusters share the requests",
            id="all-skipped",
        ),
        pytest.param({ONE: "50"}, "ClusterWeightSum", "the numbers count as ratios", id="sum"),
        pytest.param(
            {ONE: "0"},
            "ClusterWeightSum",
            "all Pods of all attached clusters share the requests",
            id="zero",
        ),
        pytest.param({ONE: "x"}, "InvalidAnnotation", "the weight is left out", id="text"),
    ],
)
def test_a_mistake_says_what_follows(weights: dict[str, str], reason: str, effect: str) -> None:
    (problem,) = told(served(rule_of(weights)))
    assert (problem.reason, problem.effect) == (reason, effect)
    assert problem.key in spelt(weights)
    assert problem.value == weights[problem.key.rpartition(".")[2]]


def test_without_weights_all_pods_are_one_pool() -> None:
    world = served(rule_of({}))
    assert world.names(TypeUrl.ENDPOINT) == ["default/web/80"]
    body: Any = readable(
        TypeUrl.ENDPOINT, world.snapshots["mse/gw"][TypeUrl.ENDPOINT, "default/web/80"].body
    )
    assert [each.get("load_balancing_weight") for each in body["endpoints"]] == [None, None]


def test_more_weights_than_the_bound_are_ignored_together() -> None:
    weights = {f"c{number}": "1" for number in range(MAX_WEIGHTS + 1)}
    world = served(rule_of(weights))
    assert world.names(TypeUrl.ENDPOINT) == ["default/web/80"]
    (problem,) = told(world)
    assert problem.expected.startswith(f"at most {MAX_WEIGHTS} annotations")


def test_a_weight_of_the_alb_flavour_means_nothing_to_an_mse_gateway() -> None:
    rule = rule_of({}).annotate({f"{ALB}cluster-weight.{ONE}": "100"})
    assert served(rule).names(TypeUrl.ENDPOINT) == ["default/web/80"]


@pytest.mark.parametrize(
    ("pods", "localities"),
    [
        pytest.param({ONE: (), TWO: PODS[TWO]}, ["1 two 1 1"], id="the-standby-serves-alone"),
        pytest.param({TWO: PODS[TWO]}, ["1 two 1 1"], id="no-service-there"),
        pytest.param({ONE: PODS[ONE], TWO: ()}, ["0 one 100 3"], id="no-pod-at-the-standby"),
    ],
)
def test_a_standby_is_degraded_only_beside_a_weighted_pod(
    pods: dict[str, tuple[str, ...]], localities: list[str]
) -> None:
    # A degraded Pod keeps no client by its cookie.
    assert assigned(served(rule_of({ONE: "100"}), pods=pods)) == localities


@pytest.mark.parametrize(
    ("more", "localities"),
    [
        pytest.param({}, ["0 one 100 3", "1 two 1 1 DEGRADED"], id="alone"),
        pytest.param(
            {"nginx.ingress.kubernetes.io/default-backend": "other"},
            ["0 one 100 3", "1 two 1 1"],
            id="another-service-behind",
        ),
    ],
)
def test_a_standby_is_not_degraded_before_another_service(
    more: dict[str, str], localities: list[str]
) -> None:
    # Envoy would prefer the healthy Pods of the other Service.
    rule = rule_of({ONE: "100"}).annotate(more)
    world = served(rule)
    pods = slice_of("other", addresses=["10.0.9.1"], port_name="http")
    world.put(service("other", ports={"http": 80}).manifest, pods.manifest, origin=ONE)
    assert assigned(world) == localities
    world.put(rule_of({ONE: "100"}).manifest)
    assert assigned(world) == ["0 one 100 3", "1 two 1 1 DEGRADED"]


def test_standbys_share_by_their_pods() -> None:
    pods = {TWO: PODS[TWO], THREE: ("10.0.3.1", "10.0.3.2")}
    world = served(rule_of({ONE: "100"}), members=(ONE, TWO, THREE), pods=pods)
    assert assigned(world) == ["1 three 2 2", "1 two 1 1"]


def test_a_drained_member_serves_nothing_even_alone() -> None:
    world = served(rule_of({ONE: "0", TWO: "100"}), pods={ONE: PODS[ONE]})
    assert assigned(world) == []
    (problem,) = told(world)
    assert (problem.reason, problem.effect) == (
        "NoReadyPods",
        "the Service has a ready Pod only in members of weight 0, requests are answered with 503",
    )


def test_ending_pods_of_a_weighted_member_serve_before_ready_ones_of_a_drained_member() -> None:
    world = served(rule_of({ONE: "0", TWO: "100"}), pods={ONE: PODS[ONE]})
    ending = slice_of("web", terminating=["10.0.2.1"], port_name="http")
    world.put(service("web", ports={"http": 80}).manifest, ending.manifest, origin=TWO)
    assert assigned(world) == ["0 two 100 1 DEGRADED"]


def test_a_subset_comes_before_the_standbys_of_the_rest() -> None:
    subset = {"mse.ingress.kubernetes.io/subset-labels": f"topology.istio.io/cluster {TWO}"}
    world = served(rule_of({ONE: "100"}).annotate(subset))
    name = f"default/web/80@member={TWO}#web"
    assert assigned(world, name) == ["1 two 1 1", "2 one 100 3"]


def shares(world: World) -> dict[str, list[str]]:
    names = world.names(TypeUrl.ENDPOINT)
    return {name: assigned(world, name) for name in names if "#" in name}


def test_two_ingresses_give_the_same_service_different_weights() -> None:
    world = served(rule_of({ONE: "100"}))
    other = ingress("other", host="other.test").path("/", to="web:80").of_class("mse")
    world.put(other.annotate(spelt({TWO: "100", ONE: "0"})).manifest)
    assert shares(world) == {
        "default/web/80#other": ["0 two 100 1"],
        "default/web/80#web": ["0 one 100 3", "1 two 1 1 DEGRADED"],
    }


def test_gray_requests_have_a_member_and_each_stands_by_for_the_other() -> None:
    gray = ingress("gray", host="web.test").path("/", to="web:80").of_class("alb")
    header = '[{"type":"Header","headerConfig":{"key":"stage","values":["gray"]}}]'
    gray = gray.annotate({f"{ALB}conditions.web": header, **spelt({TWO: "100"}, "alb")})
    world = served(rule_of({ONE: "100"}, "alb"), "alb")
    world.put(gray.manifest)
    assert world.problems("web") == world.problems("gray") == []
    assert assigned(world, gateway="alb/gw") == ["0 one 100 3", "1 two 1 1 DEGRADED"]
    of_gray = assigned(world, "default/web/80#gray", "alb/gw")
    assert of_gray == ["0 two 100 1", "1 one 3 3 DEGRADED"]
    assert world.names(TypeUrl.CLUSTER, "alb/gw") == ["default/web/80#gray", NAME]


def test_weights_count_for_all_services_of_the_ingress() -> None:
    rule = rule_of({ONE: "100"}).path("/api", to="api:81").default("rest:80")
    names = served(rule).names(TypeUrl.CLUSTER)
    assert names == ["default/api/81#web", "default/rest/80#web", NAME]


def canary_to(backend: str, weights: Mapping[str, str]) -> IngressBuilder:
    """Return a canary of the rule, with weights of its own."""
    canary = ingress("next", host="web.test").path("/", to=backend).of_class("mse")
    return canary.annotate(
        {
            **spelt(weights),
            "nginx.ingress.kubernetes.io/canary": "true",
            "nginx.ingress.kubernetes.io/canary-by-header": "x-canary",
        }
    )


def test_a_canary_has_weights_of_its_own() -> None:
    world = served(rule_of({ONE: "100"}))
    world.put(canary_to("next:80", {TWO: "100"}).manifest)
    beside = "default/next/80#next"
    assert world.names(TypeUrl.CLUSTER) == [beside, f"{beside}>{NAME}", NAME]


def test_a_canary_of_the_same_service_leaves_a_drained_member_for_the_main() -> None:
    world = served(rule_of({ONE: "100"}))
    world.put(canary_to("web:80", {TWO: "100", ONE: "0"}).manifest)
    assert f"default/web/80#next>{NAME}" in world.names(TypeUrl.CLUSTER)


@pytest.mark.parametrize(
    "then",
    [
        pytest.param({ONE: "90", TWO: "10"}, id="another-share"),
        pytest.param({ONE: "100", TWO: "0"}, id="drained"),
        pytest.param({ONE: "100"}, id="standby"),
        pytest.param({ONE: "x", TWO: "y"}, id="unusable"),
        pytest.param({ONE: "0", TWO: "0"}, id="all-zero"),
    ],
)
def test_a_changed_weight_changes_the_endpoints_alone(then: dict[str, str]) -> None:
    world = served(rule_of({ONE: "60", TWO: "40"}))
    before = world.versions()["mse/gw"]
    world.put(rule_of(then).manifest)
    after = world.versions()["mse/gw"]
    assert world.sent == 1
    assert {key for key in before if before[key] != after[key]} == {(TypeUrl.ENDPOINT, NAME)}
    assert len(world.snapshots["mse/gw"][TypeUrl.ENDPOINT, NAME].body) < 1024


def test_another_change_of_the_ingress_computes_no_assignment() -> None:
    world = served(rule_of({ONE: "60", TWO: "40"}))
    rows = world.put(rule_of({ONE: "60", TWO: "40"}).path("/new", to="web:80").manifest)
    assert "assignments" not in rows
    rows = world.put(rule_of({ONE: "50", TWO: "50"}).path("/new", to="web:80").manifest)
    assert rows["assignments"] == 1
    assert "host tables" not in rows


def test_a_member_is_attached_and_detached() -> None:
    world = served(rule_of({ONE: "60", THREE: "40"}))
    assert assigned(world) == ["0 one 60 3", "1 two 1 1 DEGRADED"]
    assert [p.reason for p in told(world)] == ["ClusterNotAttached"]
    world.put(mse_gateway("gw", members=(ONE, THREE)).manifest)
    assert assigned(world) == ["0 one 60 3", "0 three 40 1"]
    assert told(world) == []


def test_only_standbys_behind_all_weighted_pods_are_degraded() -> None:
    subset = {"mse.ingress.kubernetes.io/subset-labels": "version v2"}
    world = served(rule_of({ONE: "100"}).annotate(subset))
    slices = slice_of("web", addresses=["10.0.1.1", "10.0.1.2"], pods="ab", port_name="http")
    world.put(slices.manifest, pod("a", version="v2").manifest, origin=ONE)
    slices = slice_of("web", addresses=["10.0.2.1", "10.0.2.2"], pods="ab", port_name="http")
    world.put(slices.manifest, pod("a", version="v2").manifest, origin=TWO)
    assert assigned(world, "default/web/80@version~=v2#web") == [
        "0 one 100 1",
        "1 two 1 1",
        "2 one 100 1",
        "3 two 1 1 DEGRADED",
    ]
