"""Default backends serve the requests that no rule of a host matches, for every kind of host."""

import pytest

from fleet.ref import HUB
from tests.support.builders import IngressBuilder, ingress, mse_gateway
from tests.support.routed import routed
from tests.support.translation import World
from translators.envoy.host_tables import LONG

CANARY = {
    "nginx.ingress.kubernetes.io/canary": "true",
    "nginx.ingress.kubernetes.io/canary-weight": "100",
}

WILD = ingress("wild", host="*.w.test").path("/x", to="x:80")
ANY = ingress("any", host="").path("/any", to="any:80")
SPARE = ingress("spare").default("spare:80").created("2026-01-01T00:00:00Z")


def world_of(*rules: IngressBuilder) -> World:
    world = World()
    world.attach(HUB)
    world.put(mse_gateway().manifest, *(rule.of_class("mse").manifest for rule in rules))
    return world


def long(rule: IngressBuilder) -> IngressBuilder:
    """Add paths to an Ingress, so that its host becomes a tree."""
    for n in range(LONG):
        rule = rule.path(f"/filler/{n}", to="x:80")
    return rule


@pytest.mark.parametrize("wild", [WILD, long(WILD)], ids=["list", "tree"])
@pytest.mark.parametrize(
    ("others", "host", "path", "expected"),
    [
        pytest.param([], "a.w.test", "/x", "x", id="rules-come-first"),
        pytest.param([], "a.w.test", "/else", "rest", id="one-label"),
        pytest.param([ANY], "a.w.test", "/any", "rest", id="before-rules-without-host"),
        pytest.param([ANY], "a.b.w.test", "/any", "any", id="two-labels-and-rules-without-host"),
        pytest.param([ANY], "a.b.w.test", "/x", "rest", id="two-labels-are-a-host-nobody-names"),
        pytest.param([SPARE], "a.b.w.test", "/x", "spare", id="two-labels-and-an-older-default"),
        pytest.param([SPARE], "a.w.test", "/else", "rest", id="one-label-and-an-older-default"),
        pytest.param(
            [ingress("all", host="").path("/", to="all:80")],
            "a.b.w.test",
            "/else",
            "all",
            id="two-labels-and-a-slash-rule-without-host",
        ),
    ],
)
def test_the_default_backend_of_a_wildcard_serves(
    wild: IngressBuilder, others: list[IngressBuilder], host: str, path: str, expected: str
) -> None:
    assert routed(world_of(wild.default("rest:80"), *others), host, path) == expected


@pytest.mark.parametrize("wild", [WILD, long(WILD)], ids=["list", "tree"])
@pytest.mark.parametrize("others", [[ANY], [SPARE]], ids=["rule-without-host", "default-of-all"])
def test_what_a_wildcard_lacks_goes_to_nobody_else(
    wild: IngressBuilder, others: list[IngressBuilder]
) -> None:
    world = world_of(wild, *others)
    assert routed(world, "a.w.test", "/any") == 404
    assert routed(world, "a.b.w.test", "/any") != 404


BARE = ingress("bare", host="api.w.test").default("rest:80").created("2026-03-01T00:00:00Z")
BROKEN = ingress("broken", host="api.w.test").path("/a/../b", to="x:80").default("rest:80")
ALL_WILD = ingress("wild", host="*.w.test").path("/", to="x:80")


@pytest.mark.parametrize(
    ("rules", "host", "expected"),
    [
        pytest.param([BARE], "api.w.test", "rest", id="alone"),
        pytest.param([BARE, ALL_WILD], "api.w.test", "rest", id="before-a-wildcard"),
        pytest.param([BARE, SPARE], "api.w.test", "rest", id="before-an-older-default-of-all"),
        pytest.param([BROKEN, ALL_WILD], "api.w.test", "rest", id="whose-paths-are-all-invalid"),
        pytest.param(
            [
                BARE,
                ingress("old", host="api.w.test").default("old:80").created("2026-02-01T00:00:00Z"),
            ],
            "api.w.test",
            "old",
            id="of-two-the-older",
        ),
        pytest.param(
            [BARE, ingress("other", host="api.w.test").path("/any", to="any:80")],
            "api.w.test",
            "any",
            id="after-the-paths-of-another",
        ),
        pytest.param(
            [ingress("bare", host="*.w.test").default("rest:80"), ANY],
            "a.w.test",
            "rest",
            id="wildcard-of-one-label",
        ),
        pytest.param(
            [ingress("bare", host="*.w.test").default("rest:80"), ANY],
            "a.b.w.test",
            "any",
            id="wildcard-and-two-labels",
        ),
        pytest.param(
            [ingress("nothing", host="*.w.test"), ANY], "a.w.test", 404, id="nothing-of-a-wildcard"
        ),
        pytest.param(
            [ingress("nothing", host="*.w.test"), ANY],
            "a.b.w.test",
            "any",
            id="nothing-of-a-wildcard-and-two-labels",
        ),
        pytest.param([BARE.annotate(CANARY), ALL_WILD], "api.w.test", "x", id="not-of-a-canary"),
    ],
)
def test_a_host_without_paths_goes_to_its_default_backend(
    rules: list[IngressBuilder], host: str, expected: str | int
) -> None:
    assert routed(world_of(*rules), host, "/any") == expected


def test_a_canary_joins_a_main_rule_on_a_host_that_another_has_without_paths() -> None:
    main = ingress("main", host="api.w.test").path("/any", to="any:80")
    canary = ingress("canary", host="api.w.test").path("/any", to="new:80").annotate(CANARY)
    world = world_of(BARE, canary)
    assert routed(world, "api.w.test", "/any") == "rest"
    world.put(main.of_class("mse").manifest)
    assert routed(world, "api.w.test", "/any") == "new"


NOTHING = ingress("nothing", host="api.w.test")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([ALL_WILD], 404, id="and-no-wildcard"),
        pytest.param([SPARE], 404, id="and-no-default-of-all"),
        pytest.param([ANY], 404, id="and-no-rule-without-host"),
        pytest.param([BARE], "rest", id="but-the-default-of-another"),
        pytest.param(
            [ingress("main", host="api.w.test").path("/", to="x:80")], "x", id="but-paths"
        ),
        pytest.param(
            [ingress("canary", host="api.w.test").path("/", to="new:80").annotate(CANARY)],
            404,
            id="and-no-canary",
        ),
    ],
)
@pytest.mark.parametrize(
    "nothing",
    [NOTHING, NOTHING.path("/a/../b", to="x:80"), NOTHING.default("Not_A_Service:80")],
    ids=["no-paths", "invalid-paths", "invalid-default"],
)
def test_a_host_for_which_its_ingress_has_nothing_is_served_by(
    nothing: IngressBuilder, rules: list[IngressBuilder], expected: str | int
) -> None:
    assert routed(world_of(nothing, *rules), "api.w.test", "/any") == expected


def test_a_canary_creates_no_host() -> None:
    world = world_of(NOTHING.annotate(CANARY), ALL_WILD)
    assert routed(world, "api.w.test", "/any") == "x"


def test_a_host_without_paths_and_default_backend_is_reported() -> None:
    rules = NOTHING.path("/x", to="x:80").host("api.n.test")
    world = world_of(rules)
    row = world.translator.tables.statuses.of_ingresses.rows[rules.ref()]
    (problem,) = [problem for problem in row.problems if problem.reason == "HostWithoutPaths"]
    assert (problem.key, problem.value) == ("spec.rules[1].host", "api.n.test")
    assert routed(world, "api.n.test", "/") == 404


def test_an_ingress_of_which_nothing_is_served_shows_no_address() -> None:
    world = world_of(NOTHING, BARE)
    rows = world.translator.tables.statuses.of_ingresses.rows
    assert rows[NOTHING.ref()].addresses == ()
    assert rows[BARE.ref()].addresses == ("127.0.0.1",)
