"""Ingresses of several namespaces on one host: a gateway allows and reports this, or refuses it."""

from collections.abc import Mapping

import pytest

from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from tests.support.builders import IngressBuilder, ingress, mse_gateway
from tests.support.translation import World
from tests.translators.plans import MSE, NGINX
from translators.dialects import DIALECTS
from translators.dialects.boundaries import CROSS_NAMESPACE, HOST_OWNERSHIP
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.mse.objects import MseIngressConfig
from translators.envoy.names import cluster_name
from translators.graph.keys import HostKey
from translators.model.actions import FixedResponse, Forward
from translators.model.host_plans import HostPlan

GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")
HOST = "shop.test"
OWNED = {HOST_OWNERSHIP: "namespace"}
DENIED = {CROSS_NAMESPACE: "deny"}

MAIN = (
    ingress("main", host=HOST)
    .path("/", to="main:80")
    .in_namespace("mine")
    .created("2020-01-01T00:00:00Z")
)
WILD = (
    ingress("wild", host="*.shop.test")
    .path("/", to="main:80")
    .in_namespace("mine")
    .created("2020-01-01T00:00:00Z")
)


def guest(name: str = "guest", host: str = HOST, path: str = "/login") -> IngressBuilder:
    """Make a younger Ingress of another namespace."""
    made = ingress(name, host=host).path(path, to="theirs:80").in_namespace("theirs")
    return made.created("2021-01-01T00:00:00Z")


def canary(name: str = "gray") -> IngressBuilder:
    keys = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "100"}
    return guest(name, path="/").annotate(keys)


def destined(made: IngressBuilder, *services: str) -> IngressBuilder:
    lines = "\n".join(f"50% {service}.svc.cluster.local:80" for service in services)
    return made.annotate({f"{MSE}destination": lines})


def world_of(annotations: Mapping[str, str], *ingresses: IngressBuilder) -> World:
    world = World()
    world.put(mse_gateway("gw").annotate(annotations).manifest)
    world.put(*(each.of_class("mse").manifest for each in reversed(ingresses)))
    return world


def plan_of(world: World, host: str = HOST) -> HostPlan:
    return world.translator.tables.hosts.plans.rows[HostKey(GATEWAY, MSE_TABLES, host)]


def served(world: World, host: str = HOST) -> list[str]:
    """Return the rules of a host by their Ingress, each with its Cluster or status."""
    found = []
    for rule in plan_of(world, host).everything:
        action = rule.action
        if isinstance(action, Forward):
            answer = " ".join(cluster_name(share.target) for share in action.shares)
        else:
            assert isinstance(action, FixedResponse)
            answer = str(action.status)
        found.append(f"{rule.origin.name} {rule.path.value} {answer}")
    return found


def told(world: World, of: IngressBuilder) -> list[Problem]:
    row = world.translator.tables.statuses.of_ingresses.rows[of.ref()]
    return [problem for problem in row.problems if problem.reason != "NoMembers"]


@pytest.mark.parametrize(
    ("ingresses", "reason", "key", "value", "effect"),
    [
        pytest.param(
            [MAIN, guest().path("/logout", to="theirs:80")],
            "SharedHost",
            "spec.rules[0].host",
            HOST,
            "Ingress theirs/guest serves Prefix /login and 1 more there",
            id="another-path",
        ),
        pytest.param(
            [MAIN, canary()],
            "ForeignCanary",
            "spec.rules[0].http.paths[0]",
            f"{HOST} Prefix /",
            "Ingress theirs/gray takes requests from it",
            id="canary",
        ),
        pytest.param(
            [destined(MAIN, "a.mine", "b.theirs")],
            "ForeignService",
            "spec.rules[0].host",
            HOST,
            "Ingress mine/main sends requests to theirs/b:80",
            id="its-own-destination",
        ),
        pytest.param(
            [MAIN, destined(canary().in_namespace("mine"), "a.theirs")],
            "ForeignService",
            "spec.rules[0].host",
            HOST,
            "Ingress mine/gray sends requests to theirs/a:80",
            id="destination-of-a-canary",
        ),
        pytest.param(
            [WILD, guest("one", "a.shop.test"), guest("two", "b.shop.test")],
            "SharedWildcard",
            "spec.rules[0].host",
            "*.shop.test",
            "Ingresses of namespace theirs have hosts below it",
            id="exact-hosts-under-a-wildcard",
        ),
        pytest.param(
            [WILD, ingress("bare", host="a.shop.test").in_namespace("theirs")],
            "SharedWildcard",
            "spec.rules[0].host",
            "*.shop.test",
            "Ingresses of namespace theirs have hosts below it",
            id="host-that-is-404-under-a-wildcard",
        ),
    ],
)
def test_who_takes_part_in_a_host_is_told_to_its_main_ingress_as_a_hint(
    ingresses: list[IngressBuilder], reason: str, key: str, value: str, effect: str
) -> None:
    world = world_of({}, *ingresses)
    main, *others = ingresses
    (hint,) = told(world, main)
    assert (hint.severity, hint.reason, hint.key) == (Severity.HINT, reason, key)
    assert (hint.value, hint.effect) == (value, effect)
    reasons = {problem.reason for other in others for problem in told(world, other)}
    assert reasons <= {"HostWithoutPaths"}


@pytest.mark.parametrize(
    "ingresses",
    [
        pytest.param([MAIN, guest().in_namespace("mine")], id="the-same-namespace"),
        pytest.param([MAIN, guest(host="other.test")], id="another-host"),
        pytest.param([WILD, guest(host="a.b.shop.test")], id="two-labels-under-a-wildcard"),
        pytest.param([WILD, guest(host="a.shop.test").in_namespace("mine")], id="its-own-host"),
    ],
)
def test_nobody_is_told_of_what_is_his_own(ingresses: list[IngressBuilder]) -> None:
    world = world_of({}, *ingresses)
    assert not any(told(world, each) for each in ingresses)


def test_the_hint_goes_with_the_guest() -> None:
    world = world_of({}, WILD, guest(host="a.shop.test"))
    assert [hint.reason for hint in told(world, WILD)] == ["SharedWildcard"]
    world.remove(guest().manifest)
    assert told(world, WILD) == []


@pytest.mark.parametrize(
    ("ingresses", "host", "serving", "refused"),
    [
        pytest.param([MAIN, guest()], HOST, ["main / mine/main/80"], {"guest"}, id="another-path"),
        pytest.param([MAIN, canary()], HOST, ["main / mine/main/80"], {"gray"}, id="canary"),
        pytest.param(
            [MAIN, guest().default("theirs:80")],
            HOST,
            ["main / mine/main/80"],
            {"guest"},
            id="default-backend",
        ),
        pytest.param(
            [MAIN.created("2022-01-01T00:00:00Z"), guest()],
            HOST,
            ["guest /login theirs/theirs/80"],
            {"main"},
            id="the-older-one-owns-it",
        ),
        pytest.param(
            [canary().created("2019-01-01T00:00:00Z"), MAIN],
            HOST,
            ["main / mine/main/80"],
            {"gray"},
            id="a-canary-owns-nothing",
        ),
        pytest.param(
            [WILD, guest(host="a.shop.test")], "a.shop.test", [], {"guest"}, id="under-a-wildcard"
        ),
        pytest.param(
            [WILD.created("2022-01-01T00:00:00Z"), guest(host="a.shop.test")],
            "a.shop.test",
            ["guest /login theirs/theirs/80"],
            set(),
            id="older-than-the-wildcard",
        ),
        pytest.param(
            [MAIN, guest(path="/a").in_namespace("mine")],
            HOST,
            ["guest /a mine/theirs/80", "main / mine/main/80"],
            set(),
            id="the-same-namespace",
        ),
        pytest.param(
            [
                ingress("main", host="").path("/", to="main:80").in_namespace("mine"),
                guest(host="").created("2030-01-01T00:00:00Z"),
            ],
            "",
            ["guest /login theirs/theirs/80"],
            {"main"},
            id="rules-without-host-too",
        ),
    ],
)
def test_a_gateway_can_leave_a_host_to_the_namespace_that_named_it_first(
    ingresses: list[IngressBuilder], host: str, serving: list[str], refused: set[str]
) -> None:
    world = world_of(OWNED, *ingresses)
    assert served(world, host) == serving
    found = [p for each in ingresses for p in told(world, each) if p.severity is Severity.WARNING]
    assert {problem.at.name for problem in found} == refused
    assert len(found) == len(refused)
    for problem in found:
        assert (problem.reason, problem.value) == ("HostOwnedByAnother", host or "*")
        assert problem.effect == "nothing of this Ingress is served there at mse/gw"


def test_a_host_that_is_refused_goes_to_the_wildcard_as_if_nobody_named_it() -> None:
    bare = ingress("guest", host="a.shop.test").in_namespace("theirs")
    world = world_of(OWNED, WILD, bare)
    assert not plan_of(world, "a.shop.test").bare
    world = world_of({}, WILD, bare)
    assert plan_of(world, "a.shop.test").bare


def test_a_host_is_free_again_when_its_owner_is_gone() -> None:
    world = world_of(OWNED, MAIN, guest())
    world.remove(MAIN.manifest)
    assert served(world) == ["guest /login theirs/theirs/80"]
    assert told(world, guest()) == []


def test_a_refused_canary_shows_no_address() -> None:
    world = world_of(OWNED, MAIN, canary())
    rows = world.translator.tables.statuses.of_ingresses.rows
    assert rows[canary().ref()].addresses == ()
    assert world_of({}, MAIN, canary()).translator.tables.statuses.of_ingresses.rows[
        canary().ref()
    ].addresses == ("127.0.0.1",)


@pytest.mark.parametrize(
    ("ingresses", "serving", "effect"),
    [
        pytest.param(
            [destined(MAIN, "a.mine", "b.theirs")],
            ["main / 503"],
            "its paths are answered with 503 at mse/gw",
            id="destination",
        ),
        pytest.param(
            [MAIN, destined(canary().in_namespace("mine"), "a.theirs")],
            ["main / mine/main/80"],
            "the canary takes no request at mse/gw",
            id="destination-of-a-canary",
        ),
    ],
)
def test_a_gateway_can_forbid_services_of_other_namespaces(
    ingresses: list[IngressBuilder], serving: list[str], effect: str
) -> None:
    world = world_of(DENIED, *ingresses)
    assert served(world) == serving
    (problem,) = told(world, ingresses[-1])
    assert (problem.reason, problem.effect) == ("CrossNamespace", effect)
    assert problem.value.startswith("theirs/")
    for rule in plan_of(world).rules:
        if isinstance(rule.action, FixedResponse):
            assert "another namespace" in rule.action.body


def test_each_gateway_of_an_ingress_keeps_apart_what_it_says() -> None:
    world = world_of(OWNED, MAIN, guest())
    other = Ref(HUB, "MseIngressConfig", "", "other")
    world.put(mse_gateway("other").manifest)
    plan = world.translator.tables.hosts.plans.rows[HostKey(other, MSE_TABLES, HOST)]
    assert len(plan.rules) == 2
    assert len(plan_of(world).rules) == 1
    assert [problem.effect for problem in told(world, guest())] == [
        "nothing of this Ingress is served there at mse/gw"
    ]


@pytest.mark.parametrize(
    ("annotations", "owned", "denied", "wrong"),
    [
        pytest.param({}, False, False, [], id="by-default"),
        pytest.param(
            {HOST_OWNERSHIP: " shared ", CROSS_NAMESPACE: ""}, False, False, [], id="said"
        ),
        pytest.param({**OWNED, **DENIED}, True, True, [], id="both"),
        pytest.param(
            {HOST_OWNERSHIP: "namespaces", CROSS_NAMESPACE: "no"},
            True,
            True,
            ["namespace holds", "deny holds"],
            id="what-cannot-be-read-is-the-stricter-one",
        ),
    ],
)
def test_settings_of_a_gateway(
    annotations: dict[str, str], owned: bool, denied: bool, wrong: list[str]
) -> None:
    manifest = {"metadata": {"name": "gw", "annotations": annotations}}
    gateway = DIALECTS.gateway(GATEWAY, MseIngressConfig.model_validate(manifest))
    boundaries = gateway.settings.boundaries
    assert (boundaries.owned, boundaries.denied) == (owned, denied)
    assert [problem.effect for problem in gateway.problems] == wrong
