"""Plans of hosts: the order of rules, the rule that wins a path, and the default backend."""

from dataclasses import replace

import pytest

from fleet.models import Ingress
from fleet.ref import HUB, Ref
from tests.support.builders import ingress
from tests.translators.plans import ingress_with, plan, problems, routes
from translators.dialects.mse.gateway import MSE_TABLES
from translators.dialects.mse.ingress import read_mse_ingress
from translators.merge.hosts import plan_host
from translators.model.ingresses import IngressRules
from translators.model.listeners import TableSet


def test_exact_wins_over_longer_prefix_and_root_comes_last() -> None:
    shop = ingress_with(
        "shop",
        "Prefix / to root:80",
        "Prefix /a to a:80",
        "Prefix /a/b/c to abc:80",
        "Exact /a to exact:80",
    )
    assert routes(shop) == [
        "Exact /a -> exact/80",
        "Prefix /a/b/c -> abc/80",
        "Prefix /a -> a/80",
        "Prefix / -> root/80",
    ]


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        pytest.param("Prefix /foo/ to s:80", "Prefix /foo -> s/80", id="trailing-slash-ignored"),
        pytest.param("Exact /foo/ to s:80", "Exact /foo/ -> s/80", id="exact-keeps-slash"),
        pytest.param(
            "ImplementationSpecific /foo to s:80", "Prefix /foo -> s/80", id="specific-is-prefix"
        ),
        pytest.param("Prefix /foo to s:http", "Prefix /foo -> s/http", id="port-by-name"),
    ],
)
def test_path(declared: str, kept: str) -> None:
    assert routes(ingress_with("shop", declared)) == [kept]


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        pytest.param("/a{b}", "/a%7Bb%7D", id="encoded-by-envoy"),
        pytest.param("/%7Euser/%61%2D", "/~user/a-", id="decoded-by-envoy"),
        pytest.param("/größe", "/gr%C3%B6%C3%9Fe", id="encoded-by-clients"),
        pytest.param("/a%7bb%c3%a9", "/a%7Bb%C3%A9", id="escapes-get-capitals"),
        pytest.param("/a%2fb%5cc", "/a%2Fb%5Cc", id="escaped-slashes-stay"),
        pytest.param("/100%", "/100%", id="no-escape"),
        pytest.param("/a%4%31", "/a%2541", id="decoding-makes-no-escape"),
    ],
)
@pytest.mark.parametrize("kind", ["Exact", "Prefix"])
def test_path_is_matched_as_requests_show_it(kind: str, declared: str, seen: str) -> None:
    (rule,) = plan(ingress_with("shop", f"{kind} {declared} to s:80")).rules
    assert (rule.path.value, str(rule.path)) == (seen, f"{kind} {declared}")


@pytest.mark.parametrize("kind", ["Exact", "Prefix"])
def test_two_spellings_of_a_path_conflict_as_they_are_written(kind: str) -> None:
    shop = ingress_with("shop", f"{kind} /%7Ea%7B to first:80", f"{kind} /~%61{{ to second:80")
    assert routes(shop) == [f"{kind} /%7Ea%7B -> first/80"]
    (problem,) = problems(shop)
    assert (problem.reason, problem.value) == ("Conflict", f"example.com {kind} /~%61{{")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("foo", id="no-slash"),
        pytest.param("/a?b=1", id="query"),
        pytest.param("/a#b", id="fragment"),
        pytest.param("/a/../b", id="dot-dot"),
        pytest.param("/a/.", id="dot"),
        pytest.param("/a%00", id="encoded-nul"),
        pytest.param("/a/%2e%2E/b", id="encoded-dots"),
        pytest.param("/a\x9fb", id="control-character"),
        pytest.param("/a\\b", id="backslash"),
        pytest.param("/" + "a" * 5000, id="too-long"),
    ],
)
def test_path_that_cannot_match_drops_that_rule_alone(path: str) -> None:
    shop = ingress_with("shop", f"Exact {path} to s:80", "Exact /good to s:80")
    assert routes(shop) == ["Exact /good -> s/80"]
    (problem,) = problems(shop)
    assert (problem.reason, problem.key) == ("InvalidPath", "spec.rules[0].http.paths[0].path")


AMBIGUOUS = ["/a//b", "//a", "/a%2Fb", "/a%5cb"]


@pytest.mark.parametrize("path", AMBIGUOUS)
@pytest.mark.parametrize("kind", ["Exact", "Prefix"])
def test_slashes_that_are_doubled_or_escaped_are_part_of_a_path(kind: str, path: str) -> None:
    (rule,) = plan(ingress_with("shop", f"{kind} {path} to s:80")).rules
    assert (rule.path.value, rule.path.ambiguous) == (path.replace("%5c", "%5C"), True)


@pytest.mark.parametrize("path", ["//", "/a//", "/a///"])
def test_a_prefix_ends_with_one_slash_at_most(path: str) -> None:
    shop = ingress_with("shop", f"Prefix {path} to s:80", f"Exact {path} to s:80")
    assert routes(shop) == [f"Exact {path} -> s/80"]
    (problem,) = problems(shop)
    assert (problem.reason, problem.expected) == (
        "InvalidPath",
        "a prefix that ends with one / at most",
    )


def read(*paths: str, restricted: bool = False) -> IngressRules:
    """Read an Ingress of these Exact paths; with `restricted`, the last one is restricted."""
    declared = read_mse_ingress(
        Ref(HUB, "Ingress", "default", "web"),
        ingress_with("web", *(f"Exact {p} to s:80" for p in paths)),
    )
    *others, last = declared.rules
    return replace(declared, rules=(*others, replace(last, restricted=restricted)))


@pytest.mark.parametrize("path", AMBIGUOUS)
@pytest.mark.parametrize(
    ("rules", "strict", "where"),
    [
        pytest.param(
            read("/x"),
            True,
            "at a gateway whose fleetgate.dev/path-normalization is strict",
            id="strict",
        ),
        pytest.param(
            read("/x", restricted=True), False, "on a host that has access rules", id="guarded"
        ),
    ],
)
def test_a_path_that_no_request_has_is_reported(
    path: str, rules: IngressRules, strict: bool, where: str
) -> None:
    planned = plan_host([rules, read(path)], "example.com", MSE_TABLES, strict=strict)
    assert [rule.path.value for rule in planned.rules] == ["/x"]
    (problem,) = planned.problems
    assert problem.reason == "InvalidPath"
    assert problem.key == "spec.rules[0].http.paths[0].path"
    assert problem.expected == f"a path without //, %2F and %5C {where}"


def test_a_rule_that_is_restricted_guards_its_host() -> None:
    assert plan_host([read("/x", restricted=True)], "example.com", MSE_TABLES).guarded
    assert not plan_host([read("/x")], "example.com", MSE_TABLES).guarded
    assert not plan_host([read("/x", restricted=True)], "other.com", MSE_TABLES).guarded


def test_a_default_backend_that_is_restricted_guards_its_host() -> None:
    rest = read_mse_ingress(
        Ref(HUB, "Ingress", "default", "web"), ingress_with("web", default="rest:80")
    )
    rest = replace(rest, defaults=tuple(replace(rule, restricted=True) for rule in rest.defaults))
    assert plan_host([rest], "", MSE_TABLES).guarded


def test_a_host_guarded_by_a_path_that_no_request_has_stays_guarded_and_its_own() -> None:
    planned = plan_host([read("/a//b", restricted=True)], "example.com", MSE_TABLES)
    assert (planned.rules, planned.bare, planned.guarded) == ((), True, True)


@pytest.mark.parametrize(
    "host", ["not a host", "-a.com", "a..b", "*.*.com", "*", "a" * 64 + ".com"]
)
def test_bad_host_is_a_problem(host: str) -> None:
    shop = ingress_with("shop", "Exact /a to s:80", host=host)
    (problem,) = problems(shop)
    assert (problem.reason, problem.value) == ("InvalidHost", host)


def test_host_is_compared_without_case() -> None:
    assert routes(ingress_with("shop", "Exact /a to s:80", host="EXAMPLE.com")) == [
        "Exact /a -> s/80"
    ]


def test_same_path_twice_older_ingress_keeps_it_and_later_rule_is_reported() -> None:
    old = ingress_with("z-old", "Exact /a to old:80", created="2025-01-01T00:00:00Z")
    new = ingress_with(
        "a-new", "Exact /a to new:80", "Exact /b to new:80", created="2026-01-01T00:00:00Z"
    )
    assert routes(old, new) == ["Exact /a -> old/80", "Exact /b -> new/80"]
    (problem,) = problems(old, new)
    assert (problem.at.name, problem.reason) == ("a-new", "Conflict")
    assert "Ingress default/z-old keeps it" in problem.message


def test_prefix_conflicts_with_and_without_trailing_slash() -> None:
    shop = ingress_with("shop", "Prefix /a to first:80", "Prefix /a/ to second:80")
    assert routes(shop) == ["Prefix /a -> first/80"]


def test_inside_an_ingress_the_first_rule_stays() -> None:
    paths = [f"Exact /p{n} to s:80" for n in range(10)]
    shop = ingress_with("shop", "Exact /a to first:80", *paths, "Exact /a to last:80")
    assert "Exact /a -> first/80" in routes(shop)


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        pytest.param("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "b", id="older"),
        pytest.param(None, "2026-01-01T00:00:00Z", "a", id="dated-before-undated"),
        pytest.param(None, None, "a", id="by-name"),
        pytest.param("2025-06-01T12:00:00+02:00", "2025-06-01T11:00:00Z", "b", id="zones"),
    ],
)
def test_age(one: str | None, other: str | None, winner: str) -> None:
    b = ingress_with("b", "Exact /x to b:80", created=one)
    a = ingress_with("a", "Exact /x to a:80", created=other)
    assert routes(b, a) == [f"Exact /x -> {winner}/80"]


def test_default_backend_with_rules_serves_what_its_own_hosts_leave() -> None:
    shop = ingress_with("shop", "Exact /a to s:80", default="rest:80")
    assert routes(shop) == ["Exact /a -> s/80", "Prefix / -> rest/80"]
    assert routes(shop, host="") == ["Prefix / -> rest/80"]


def test_default_backend_without_rules_serves_hosts_that_nobody_names() -> None:
    named = ingress_with("named", "Exact /a to s:80")
    rest = ingress_with("rest", default="rest:80")
    assert routes(named, rest, host="") == ["Prefix / -> rest/80"]
    assert routes(named, rest) == ["Exact /a -> s/80"]


def test_two_default_backends_older_wins() -> None:
    new = ingress_with("a", default="new:80", created="2026-01-01T00:00:00Z")
    old = ingress_with("b", default="old:80", created="2025-01-01T00:00:00Z")
    assert routes(new, old, host="") == ["Prefix / -> old/80"]


def test_prefix_root_beats_default_backend() -> None:
    shop = ingress_with("shop", "Prefix / to root:80", default="rest:80", host="")
    assert routes(shop, host="") == ["Prefix / -> root/80", "Prefix / -> rest/80"]


def test_backend_without_service_or_port_is_a_problem_of_that_rule() -> None:
    shop = ingress_with(
        "shop", "Exact /a to Not_A_Service:80", "Exact /b to s:", "Exact /c to s:80"
    )
    assert routes(shop) == ["Exact /c -> s/80"]
    assert [p.key for p in problems(shop)] == [
        "spec.rules[0].http.paths[0].backend.service.name",
        "spec.rules[0].http.paths[1].backend.service.port",
    ]


def test_a_backend_that_is_no_service_is_a_problem_of_that_rule() -> None:
    shop = ingress("shop", host="example.com").path("/a", to="s:80").path("/b", to="s:80")
    manifest = shop.manifest
    resource = {"apiGroup": "k8s.example.com", "kind": "StorageBucket", "name": "static"}
    manifest["spec"]["rules"][0]["http"]["paths"][0]["backend"] = {"resource": resource}
    manifest["spec"]["defaultBackend"] = {"resource": resource}
    declared = Ingress.model_validate(manifest)
    assert routes(declared) == ["Prefix /b -> s/80"]
    assert [(p.reason, p.key, p.value) for p in problems(declared)] == [
        ("InvalidBackend", f"{at}.resource", "StorageBucket static")
        for at in ("spec.rules[0].http.paths[0].backend", "spec.defaultBackend")
    ]


@pytest.mark.parametrize("name", ["80", "8-0", "http_1"])
def test_what_is_no_name_of_a_port_is_a_problem_of_that_rule(name: str) -> None:
    shop = ingress("shop", host="example.com").path("/a", to="s:80").path("/b", to="s:http")
    manifest = shop.manifest
    (rule,) = manifest["spec"]["rules"]
    rule["http"]["paths"][0]["backend"]["service"]["port"] = {"name": name}
    declared = Ingress.model_validate(manifest)
    assert routes(declared) == ["Prefix /b -> s/http"]
    (problem,) = problems(declared)
    assert (problem.reason, problem.value) == ("InvalidBackend", name)
    assert problem.key == "spec.rules[0].http.paths[0].backend.service.port"
    assert problem.expected == "a port by its number, or by its name with at least one letter"


def test_plan_of_nothing_is_empty() -> None:
    assert plan().everything == ()


@pytest.mark.parametrize(
    "key",
    ["nginx.ingress.kubernetes.io/global-rate-limit", "mse.ingress.kubernetes.io/stream-snippet"],
)
def test_known_annotation_without_effect_yet_is_reported(key: str) -> None:
    shop = ingress_with(
        "shop", "Exact /a to s:80", annotations={key: "/x", "other.io/timeout": "1"}
    )
    (problem,) = problems(shop)
    assert (problem.reason, problem.key) == ("NotSupported", key)
    assert routes(shop) == ["Exact /a -> s/80"]


def test_a_rule_is_planned_in_the_sets_that_it_is_meant_for() -> None:
    here, there = TableSet("http-80"), TableSet("http-81")
    declared = read_mse_ingress(
        Ref(HUB, "Ingress", "default", "web"),
        ingress_with("web", "Prefix /a to a:80", "Prefix /b to b:80", default="rest:80"),
    )
    first, second = declared.rules
    rows = [
        replace(
            declared,
            rules=(replace(first, sets=(here,)), replace(second, sets=(here, there))),
            defaults=tuple(replace(default, sets=(there,)) for default in declared.defaults),
        )
    ]
    paths = {
        tables: [rule.path.value for rule in plan_host(rows, "example.com", tables).everything]
        for tables in (here, there, MSE_TABLES)
    }
    assert paths == {here: ["/a", "/b"], there: ["/b", "/"], MSE_TABLES: []}
