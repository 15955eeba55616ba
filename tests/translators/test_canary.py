"""Canaries: the requests that they take from the main rule, and the backends that serve these."""

from collections.abc import Mapping

import pytest

from fleet.models import Ingress
from tests.translators.plans import MSE, NGINX, ingress_with, problems, routes

MAIN = ingress_with("main", "Exact /a to main:80", created="2020-01-01T00:00:00Z")


def canary(
    name: str, keys: Mapping[str, str], *, path: str = "Exact /a to canary:80", year: int = 2021
) -> Ingress:
    annotations = {NGINX + "canary": "true"}
    for key, value in keys.items():
        annotations[(MSE if "query" in key or key == "canary-by-cookie-value" else NGINX) + key] = (
            value
        )
    return ingress_with(name, path, created=f"{year}-01-01T00:00:00Z", annotations=annotations)


TO_CANARY = "-> canary/80>main/80"
TO_MAIN = "-> main/80"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(
            {"canary-by-header": "Stage"},
            [f"header stage=always {TO_CANARY}", f"header stage=never {TO_MAIN}", TO_MAIN],
            id="header",
        ),
        pytest.param(
            {"canary-by-header": "stage", "canary-by-header-value": "gray"},
            [f"header stage=gray {TO_CANARY}", TO_MAIN],
            id="header-value",
        ),
        pytest.param(
            {"canary-by-header": "stage", "canary-by-header-value": "always"},
            [f"header stage=always {TO_CANARY}", TO_MAIN],
            id="header-value-always-is-nothing-special",
        ),
        pytest.param(
            {"canary-by-header": "stage", "canary-by-header-pattern": "gr[ae]y"},
            [f"header stage~.*(?:gr[ae]y).* {TO_CANARY}", TO_MAIN],
            id="header-pattern",
        ),
        pytest.param(
            {
                "canary-by-header": "stage",
                "canary-by-header-value": "gray",
                "canary-by-header-pattern": "x",
            },
            [f"header stage=gray {TO_CANARY}", TO_MAIN],
            id="value-beats-pattern",
        ),
        pytest.param(
            {"canary-by-header": "stage", "canary-by-header-pattern": "(", "canary-weight": "10"},
            ["-> main/80 90 | canary/80>main/80 10"],
            id="broken-pattern-never-matches",
        ),
        pytest.param({"canary-by-header-value": "gray"}, [TO_MAIN], id="value-without-name"),
        pytest.param(
            {"canary-by-cookie": "Stage"},
            [f"cookie Stage=always {TO_CANARY}", f"cookie Stage=never {TO_MAIN}", TO_MAIN],
            id="cookie",
        ),
        pytest.param(
            {"canary-by-cookie": "stage", "canary-by-cookie-value": "gray"},
            [f"cookie stage=gray {TO_CANARY}", TO_MAIN],
            id="cookie-value",
        ),
        pytest.param(
            {"canary-by-query": "v"},
            [f"query v=always {TO_CANARY}", f"query v=never {TO_MAIN}", TO_MAIN],
            id="query",
        ),
        pytest.param(
            {"canary-by-query": "v", "canary-by-query-value": "2"},
            [f"query v=2 {TO_CANARY}", TO_MAIN],
            id="query-value",
        ),
        pytest.param(
            {"canary-by-query": "v", "canary-by-query-pattern": "^2"},
            [f"query v~.*(?:^2).* {TO_CANARY}", TO_MAIN],
            id="query-pattern",
        ),
        pytest.param(
            {"canary-weight": "10"}, ["-> main/80 90 | canary/80>main/80 10"], id="weight"
        ),
        pytest.param({"canary-weight": "0"}, [TO_MAIN], id="weight-0"),
        pytest.param({"canary-weight": "100"}, [TO_CANARY], id="weight-100"),
        pytest.param({"canary-weight": "150"}, [TO_CANARY], id="weight-above-total-is-total"),
        pytest.param({"canary-weight": "-5"}, [TO_MAIN], id="weight-negative"),
        pytest.param(
            {"canary-weight": "100000", "canary-weight-total": "10000000"},
            ["-> main/80 9900000 | canary/80>main/80 100000"],
            id="large-total",
        ),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "999999999999999999"},
            ["-> main/80 4294967292 | canary/80>main/80 1"],
            id="huge-total",
        ),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "0"}, [TO_MAIN], id="nothing-of-total-0"
        ),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "many"}, [TO_MAIN], id="total-no-number"
        ),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "9" * 5000}, [TO_MAIN], id="endless-total"
        ),
        pytest.param({"canary-weight": "9" * 5000}, [TO_MAIN], id="endless-weight"),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "1000"},
            ["-> main/80 999 | canary/80>main/80 1"],
            id="weight-total",
        ),
        pytest.param(
            {
                "canary-weight": "10",
                "canary-by-cookie": "c",
                "canary-by-cookie-value": "1",
                "canary-by-header": "h",
                "canary-by-header-value": "1",
                "canary-by-query": "q",
                "canary-by-query-value": "1",
            },
            [
                f"header h=1 {TO_CANARY}",
                f"query q=1 {TO_CANARY}",
                f"cookie c=1 {TO_CANARY}",
                "-> main/80 90 | canary/80>main/80 10",
            ],
            id="all-kinds-in-their-order",
        ),
    ],
)
def test_requests_that_go_to_the_canary(keys: dict[str, str], expected: list[str]) -> None:
    assert routes(MAIN, canary("canary", keys)) == [f"Exact /a {line}" for line in expected]


def test_canaries_are_asked_by_kind_then_by_age() -> None:
    young = canary(
        "a-young",
        {"canary-by-header": "h", "canary-by-header-value": "1", "canary-by-cookie": "c"},
        path="Exact /a to young:80",
        year=2023,
    )
    old = canary(
        "b-old",
        {"canary-by-cookie": "c", "canary-by-header": "h", "canary-by-header-value": "1"},
        path="Exact /a to old:80",
        year=2022,
    )
    assert [
        line.split(" -> ")[0] + " " + line.split(" -> ")[1].split("/")[0]
        for line in routes(MAIN, young, old)
    ] == [
        "Exact /a header h=1 old",
        "Exact /a header h=1 young",
        "Exact /a cookie c=always old",
        "Exact /a cookie c=never main",
        "Exact /a cookie c=always young",
        "Exact /a cookie c=never main",
        "Exact /a main",
    ]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param([("10", "100"), ("20", "100")], (70, 10, 20), id="main-gets-the-rest"),
        pytest.param(
            [("100", "1000"), ("500", "")], (400, 100, 500), id="without-total-of-its-own"
        ),
        pytest.param([("50", "100"), ("500", "1000")], (0, 50, 100), id="at-most-the-oldest-total"),
        pytest.param([("10", "0"), ("5", "100")], (1, 0, 0), id="oldest-total-0"),
        pytest.param([("10", "x"), ("5", "50")], (45, 0, 5), id="unusable-total-brings-none"),
        pytest.param([("10", "50"), ("20", "1000")], (20, 10, 20), id="total-of-the-oldest"),
        pytest.param([("60", "100"), ("60", "100")], (0, 60, 60), id="sum-above-total"),
        pytest.param([("0", "10"), ("5", "100")], (5, 0, 5), id="weight-0-brings-the-total"),
    ],
)
def test_weights_of_several_canaries(
    weights: list[tuple[str, str]], expected: tuple[int, int, int]
) -> None:
    canaries = [
        canary(
            f"c{n}",
            {"canary-weight": weight, "canary-weight-total": total},
            path=f"Exact /a to c{n}:80",
            year=2021 + n,
        )
        for n, (weight, total) in enumerate(weights)
    ]
    names = ("main/80", "c0/80>main/80", "c1/80>main/80")
    shares = [f"{name} {w}" for name, w in zip(names, expected, strict=True) if w]
    line = " | ".join(shares) if len(shares) > 1 else shares[0].rsplit(" ", 1)[0]
    assert routes(MAIN, *canaries) == [f"Exact /a -> {line}"]


def test_weight_is_reported_above_the_total_of_the_oldest_canary() -> None:
    old = canary("old", {"canary-weight": "50"}, year=2021)
    paths = ("Exact /a to new:80", "Exact /b to new:80")
    keys = {"canary-weight": "500", "canary-weight-total": "1000"}
    annotations = {NGINX + key: value for key, value in ({"canary": "true"} | keys).items()}
    new = ingress_with("new", *paths, created="2022-01-01T00:00:00Z", annotations=annotations)
    other = ingress_with("other", "Exact /b to other:80", created="2020-01-01T00:00:00Z")
    (problem,) = problems(MAIN, other, old, new)
    assert (problem.at.name, problem.reason) == ("new", "WeightAboveTotal")
    assert problem.message == (
        f"{NGINX}canary-weight: '500' (expected at most 100, the total of Ingress default/old); "
        "it counts as 100"
    )


def test_weight_that_the_total_of_the_oldest_canary_covers_is_no_problem() -> None:
    old = canary("old", {"canary-weight": "100", "canary-weight-total": "1000"}, year=2021)
    new = canary("new", {"canary-weight": "500"}, year=2022)
    assert problems(MAIN, old, new) == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(
            {"canary-weight": "30"}, ["-> main/80 70 | first/80>main/80 30"], id="weight-once"
        ),
        pytest.param(
            {"canary-by-header": "h", "canary-by-header-value": "1"},
            ["header h=1 -> first/80>main/80", TO_MAIN],
            id="header-once",
        ),
    ],
)
def test_inside_a_canary_the_first_rule_of_a_path_stays(
    keys: dict[str, str], expected: list[str]
) -> None:
    main = ingress_with("main", "Prefix /foo to main:80", created="2020-01-01T00:00:00Z")
    annotations = {NGINX + "canary": "true"} | {NGINX + key: value for key, value in keys.items()}
    twice = ("Prefix /foo to first:80", "Prefix /foo/ to second:80")
    gray = ingress_with("gray", *twice, annotations=annotations)
    assert routes(main, gray) == [f"Prefix /foo {line}" for line in expected]
    (problem,) = problems(main, gray)
    assert (problem.reason, problem.key) == ("Conflict", "spec.rules[0].http.paths[1]")
    assert "Ingress default/gray keeps it (spec.rules[0].http.paths[0])" in problem.message


def test_weights_of_destinations_are_mixed_to_a_sum_that_fits() -> None:
    def destination(*lines: str) -> dict[str, str]:
        named = [f"{line}.default.svc.cluster.local:80" for line in lines]
        return {MSE + "destination": "\n".join(named)}

    main = ingress_with("main", "Exact /a to x:80", annotations=destination("100% a", "99% b"))
    weight = {NGINX + "canary": "true", NGINX + "canary-weight": "500000"}
    gray = ingress_with(
        "gray",
        "Exact /a to x:80",
        annotations={
            **weight,
            NGINX + "canary-weight-total": "1000000",
            **destination("100% c", "97% d"),
        },
    )
    assert routes(main, gray) == [
        "Exact /a -> a/80 19700 | b/80 19503 | c/80>a/80>b/80 19900 | d/80>a/80>b/80 19303"
    ]


def test_canary_to_a_subset_of_the_main_service_needs_no_fallback_cluster() -> None:
    pinned = {MSE + "service-subset": "two", MSE + "subset-labels": "topology.istio.io/cluster c2"}
    gray = ingress_with(
        "gray",
        "Exact /a to main:80",
        annotations={
            **pinned,
            NGINX + "canary": "true",
            NGINX + "canary-by-header": "stage",
            NGINX + "canary-by-header-value": "gray",
        },
    )
    assert routes(MAIN, gray) == [
        "Exact /a header stage=gray -> main/80@member=c2",
        "Exact /a -> main/80",
    ]


def test_canary_without_main_has_no_effect_and_is_reported_for_that_path() -> None:
    lonely = ingress_with(
        "lonely",
        "Exact /a to canary:80",
        "Exact /other to canary:80",
        annotations={NGINX + "canary": "true", NGINX + "canary-weight": "10"},
    )
    assert routes(MAIN, lonely) == ["Exact /a -> main/80 90 | canary/80>main/80 10"]
    (problem,) = problems(MAIN, lonely)
    assert (problem.reason, problem.key) == (
        "CanaryWithoutMain",
        "spec.rules[0].http.paths[1]",
    )
    assert routes(lonely) == []


def test_canary_needs_the_same_path_type() -> None:
    other = canary("canary", {"canary-weight": "10"}, path="Prefix /a to canary:80")
    assert routes(MAIN, other) == ["Exact /a -> main/80"]


def test_canary_needs_a_main_of_the_same_class() -> None:
    main = ingress_with("main", "Exact /a to main:80", ingress_class="a")
    weight = {NGINX + "canary": "true", NGINX + "canary-weight": "10"}
    same = ingress_with("same", "Exact /a to same:80", ingress_class="a", annotations=weight)
    other = ingress_with("other", "Exact /a to other:80", ingress_class="b", annotations=weight)
    unserved = ingress_with("unserved", "Exact /a to unserved:80", ingress_class="b")
    everything = (main, same, other, unserved)
    assert routes(*everything) == ["Exact /a -> main/80 90 | same/80>main/80 10"]
    assert sorted((p.at.name, p.reason) for p in problems(*everything)) == [
        ("other", "CanaryWithoutMain"),
        ("unserved", "Conflict"),
    ]


def test_without_a_class_is_the_same_as_class_nginx() -> None:
    weight = {NGINX + "canary": "true", NGINX + "canary-weight": "10"}
    named = ingress_with("gray", "Exact /a to gray:80", ingress_class="nginx", annotations=weight)
    by_annotation = ingress_with(
        "old",
        "Exact /a to old:80",
        created="2021-01-01T00:00:00Z",
        annotations={"kubernetes.io/ingress.class": "nginx"} | weight,
    )
    assert routes(MAIN, named, by_annotation) == [
        "Exact /a -> main/80 80 | old/80>main/80 10 | gray/80>main/80 10"
    ]


def test_canary_false_is_an_ordinary_ingress() -> None:
    ordinary = ingress_with(
        "ordinary",
        "Exact /b to other:80",
        annotations={NGINX + "canary": "false", NGINX + "canary-weight": "10"},
    )
    assert routes(MAIN, ordinary) == ["Exact /a -> main/80", "Exact /b -> other/80"]


def test_canary_that_is_neither_true_nor_false_is_an_ordinary_ingress_and_reported() -> None:
    young = ingress_with(
        "typo",
        "Exact /a to other:80",
        "Exact /b to other:80",
        created="2021-01-01T00:00:00Z",
        annotations={NGINX + "canary": "treu", NGINX + "canary-weight": "10"},
    )
    assert routes(MAIN, young) == ["Exact /a -> main/80", "Exact /b -> other/80"]
    problem, conflict = problems(MAIN, young)
    assert (problem.reason, problem.value) == ("InvalidAnnotation", "treu")
    assert problem.effect == "it counts as absent: this is an ordinary Ingress"
    assert conflict.reason == "Conflict"


def test_canary_that_another_spelling_says_is_true_is_one() -> None:
    gray = ingress_with(
        "gray",
        "Exact /a to canary:80",
        annotations={
            NGINX + "canary": "maybe",
            MSE + "canary": "true",
            NGINX + "canary-weight": "ten",
            "higress.io/canary-weight": "10",
        },
    )
    assert routes(MAIN, gray) == ["Exact /a -> main/80 90 | canary/80>main/80 10"]
    assert [(p.value, p.effect) for p in problems(MAIN, gray)] == [
        ("maybe", f"{MSE}canary counts instead"),
        ("ten", "higress.io/canary-weight counts instead"),
    ]


def test_header_that_no_request_can_have_is_a_problem() -> None:
    by_header = canary("canary", {"canary-by-header": "x_stage", "canary-weight": "10"})
    assert routes(MAIN, by_header) == ["Exact /a -> main/80 90 | canary/80>main/80 10"]
    (problem,) = problems(MAIN, by_header)
    assert (problem.key, problem.value) == (f"{NGINX}canary-by-header", "x_stage")
    assert problem.expected == "a header name without _"
    assert problem.effect.startswith("requests lose such headers at the gateway")


def test_canary_before_its_main_is_the_same() -> None:
    early = canary("canary", {"canary-weight": "10"}, year=2001)
    assert routes(MAIN, early) == ["Exact /a -> main/80 90 | canary/80>main/80 10"]


def test_canary_has_no_default_backend() -> None:
    annotations = {NGINX + "canary": "true", NGINX + "canary-weight": "10"}
    gray = ingress_with("gray", default="rest:80", annotations=annotations)
    assert routes(gray, host="") == []
    (problem,) = problems(gray)
    assert (problem.reason, problem.key) == ("CanaryDefaultBackend", "spec.defaultBackend")
    assert (problem.value, problem.effect) == ("rest:80", "no request goes to it")


@pytest.mark.parametrize(
    ("keys", "reason", "key"),
    [
        pytest.param({"canary-weight": "150"}, "WeightAboveTotal", "canary-weight", id="above"),
        pytest.param({"canary-weight": "x"}, "InvalidAnnotation", "canary-weight", id="no-number"),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "x"},
            "InvalidAnnotation",
            "canary-weight-total",
            id="total-no-number",
        ),
        pytest.param(
            {"canary-weight": "1", "canary-weight-total": "0"},
            "WeightAboveTotal",
            "canary-weight",
            id="total-0",
        ),
        pytest.param({}, "CanaryWithoutRule", "canary", id="no-rule"),
        pytest.param(
            {"canary-by-header": "a b", "canary-weight": "1"},
            "InvalidAnnotation",
            "canary-by-header",
            id="header-name",
        ),
    ],
)
def test_problem_of_a_canary(keys: dict[str, str], reason: str, key: str) -> None:
    assert (reason, NGINX + key) in [
        (p.reason, p.key) for p in problems(MAIN, canary("canary", keys))
    ]
