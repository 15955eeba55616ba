"""Further names of hosts: what they serve, and who may give them."""

from collections.abc import Mapping
from typing import Any

import pytest

from fleet.problem import Problem
from fleet.ref import HUB
from tests.support.builders import IngressBuilder, ingress, mse_gateway, secret
from tests.support.certificates import certificate, tls_data
from tests.support.envoy_routing import Request, choose
from tests.support.translation import World
from translators.dialects.boundaries import HOST_OWNERSHIP
from translators.envoy.host_tables import LONG
from translators.model.bounds import MAX_ALIASES, MAX_ROUTES_OF_HOST
from xds.readable import readable
from xds.resource import TypeUrl

NGINX = "nginx.ingress.kubernetes.io/"
ALIAS, WWW = f"{NGINX}server-alias", f"{NGINX}from-to-www-redirect"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
GATEWAY = mse_gateway("gw", members=["one"])


def asking(
    name: str, annotations: Mapping[str, str], host: str = "a.test", created: str = OLD
) -> IngressBuilder:
    """Make an Ingress with one path that has its name."""
    made = ingress(name, host=host).path(f"/{name}", to=f"{name}:80").of_class("mse")
    return made.created(created).annotate(annotations)


def world_of(*ingresses: IngressBuilder, owned: bool = False) -> World:
    world = World()
    world.attach("one")
    gateway = GATEWAY.annotate({HOST_OWNERSHIP: "namespace"}) if owned else GATEWAY
    world.put(gateway.manifest, *(each.manifest for each in ingresses))
    return world


def answer(world: World, host: str, path: str) -> str | None:
    """Return the Cluster, status or redirected host of a request; None if the host has no table."""
    key = TypeUrl.SCOPED_ROUTE, f"mse|{host}"
    if key not in world.snapshots["mse/gw"]:
        return None
    table: Any = readable(TypeUrl.SCOPED_ROUTE, world.snapshots["mse/gw"][key].body)
    route = choose(table["route_configuration"]["virtual_hosts"][0], Request(path, host))
    assert route is not None
    if "redirect" in route:
        assert route["redirect"]["response_code"] == "PERMANENT_REDIRECT"
        return f"to {route['redirect']['host_redirect']}"
    if "direct_response" in route:
        return str(route["direct_response"]["status"])
    return str(route["route"]["cluster"])


def told(world: World, *ingresses: IngressBuilder) -> list[Problem]:
    rows = world.translator.tables.statuses.of_ingresses.rows
    mine = [problem for each in ingresses for problem in rows[each.ref()].problems]
    return [problem for problem in mine if problem.key in {ALIAS, WWW}]


def expect_as_from_scratch(world: World, *ingresses: IngressBuilder) -> None:
    assert world.versions() == world_of(*ingresses).versions()


def test_an_alias_serves_all_that_its_host_serves() -> None:
    one, other = asking("one", {ALIAS: "B.test, *.c.test"}), asking("two", {}, created=NEW)
    world = world_of(one, other)
    for host in ("a.test", "b.test", "*.c.test"):
        assert answer(world, host, "/one/x") == "default/one/80"
        assert answer(world, host, "/two") == "default/two/80"
        assert answer(world, host, "/") == "404"
    assert told(world, one, other) == []


@pytest.mark.parametrize("rules", [2, LONG + 1], ids=["list", "tree"])
def test_an_alias_follows_its_host(rules: int) -> None:
    one = asking("one", {ALIAS: "b.test"})
    world = world_of(one)
    longer = one
    for number in range(rules):
        longer = longer.path(f"/more/{number}", to=f"s{number}:80")
    world.put(longer.manifest)
    assert answer(world, "b.test", "/more/1") == "default/s1/80"
    expect_as_from_scratch(world, longer)
    gone = asking("one", {})
    world.put(gone.manifest)
    assert answer(world, "b.test", "/one") is None
    expect_as_from_scratch(world, gone)


def test_an_alias_is_one_of_the_first_host() -> None:
    one = asking("one", {ALIAS: "c.test"}).host("b.test").path("/b", to="b:80")
    world = world_of(one)
    assert answer(world, "c.test", "/one") == "default/one/80"
    assert answer(world, "c.test", "/b") == "404"


def test_a_host_that_rules_name_is_never_taken_over() -> None:
    one, other = asking("one", {ALIAS: "b.test"}), asking("two", {}, "b.test", NEW)
    world = world_of(one)
    assert answer(world, "b.test", "/one") == "default/one/80"
    world.put(other.manifest)
    assert answer(world, "b.test", "/one") == "404"
    assert answer(world, "b.test", "/two") == "default/two/80"
    (problem,) = told(world, one)
    assert (problem.reason, problem.value) == ("AliasTaken", "b.test")
    expect_as_from_scratch(world, one, other)
    world.remove(other.manifest)
    assert answer(world, "b.test", "/one") == "default/one/80"
    assert told(world, one) == []
    expect_as_from_scratch(world, one)


@pytest.mark.parametrize(
    ("annotations", "name", "expected"),
    [
        pytest.param({ALIAS: "b.test"}, "b.test", "default/one/80", id="alias"),
        pytest.param({WWW: "true"}, "www.a.test", "to a.test", id="redirect"),
    ],
)
def test_a_solver_of_a_challenge_takes_no_name_over(
    annotations: Mapping[str, str], name: str, expected: str
) -> None:
    """Each renewal of a certificate for both names has a solver for each of them."""
    one = asking("one", annotations)
    token = "/.well-known/acme-challenge/x"  # noqa: S105 (part of a path)
    solver = ingress("solver", host=name).path(token, to="solver:80").of_class("mse")
    world = world_of(one, solver)
    assert answer(world, name, token) == "default/solver/80"
    assert answer(world, name, "/one") == expected
    assert told(world, one) == []
    expect_as_from_scratch(world_of(solver, one), one, solver)
    world.remove(solver.manifest)
    assert answer(world, name, token) != "default/solver/80"
    assert answer(world, name, "/one") == expected
    expect_as_from_scratch(world, one)
    world.put(solver.manifest)
    world.remove(one.manifest)
    assert answer(world, name, token) == "default/solver/80"
    assert answer(world, name, "/one") == "404"


def test_of_two_aliases_the_older_one_stays() -> None:
    old = asking("old", {ALIAS: "c.test"}, "a.test", OLD)
    new = asking("new", {ALIAS: "c.test"}, "b.test", NEW)
    world = world_of(new, old)
    assert answer(world, "c.test", "/old") == "default/old/80"
    (problem,) = told(world, old, new)
    assert (problem.at.name, problem.reason) == ("new", "Overruled")
    assert "default/old" in problem.expected
    world.remove(old.manifest)
    assert answer(world, "c.test", "/new") == "default/new/80"
    expect_as_from_scratch(world, new)


def test_two_ingresses_may_give_one_name_to_one_host() -> None:
    old, new = asking("old", {ALIAS: "c.test"}), asking("new", {ALIAS: "c.test"}, created=NEW)
    world = world_of(old, new)
    assert answer(world, "c.test", "/new") == "default/new/80"
    assert told(world, old, new) == []


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        pytest.param("b.test, ~^www.+$", "~^www.+$", id="pattern"),
        pytest.param("b.test, b_b.test", "b_b.test", id="no-host"),
        pytest.param("b.test\n, x/y", "x/y", id="path"),
    ],
)
def test_a_name_that_is_none_is_left_out_and_told(text: str, left_out: str) -> None:
    one = asking("one", {ALIAS: text})
    world = world_of(one)
    assert answer(world, "b.test", "/one") == "default/one/80"
    (problem,) = told(world, one)
    assert (problem.reason, problem.effect) == ("InvalidAnnotation", f"left out: {left_out}")


def test_too_many_names_are_ignored_and_told() -> None:
    one = asking("one", {ALIAS: ",".join(f"x{n}.test" for n in range(MAX_ALIASES + 1))})
    world = world_of(one)
    assert answer(world, "x1.test", "/one") is None
    assert [problem.reason for problem in told(world, one)] == ["InvalidAnnotation"]


def test_the_rules_of_a_host_times_its_aliases_are_bounded() -> None:
    one = asking("one", {ALIAS: "x.test, y.test, z.test"})
    many = one.manifest
    path = many["spec"]["rules"][0]["http"]["paths"][0]
    many["spec"]["rules"][0]["http"]["paths"] = [
        {**path, "path": f"/p/{n}"} for n in range(MAX_ROUTES_OF_HOST // 2)
    ]
    world = world_of(one)
    world.put(many)
    assert answer(world, "x.test", "/p/1") == "default/one/80"
    assert answer(world, "y.test", "/p/1") == "default/one/80"
    assert answer(world, "z.test", "/p/1") is None
    (problem,) = told(world, one)
    assert (problem.reason, problem.value) == ("TooManyAliases", "z.test")


def test_long_values_of_conditions_count_on_each_alias() -> None:
    long = {f"mse.ingress.kubernetes.io/exact-match-query-x{n}": "!" * 512 for n in range(8)}
    one = asking("one", {ALIAS: "x.test, y.test, z.test", **long})
    many = one.manifest
    path = many["spec"]["rules"][0]["http"]["paths"][0]
    many["spec"]["rules"][0]["http"]["paths"] = [{**path, "path": f"/p/{n}"} for n in range(150)]
    world = world_of(one)
    world.put(many)
    assert [problem.value for problem in told(world, one)] == ["z.test"]


def test_an_ingress_that_serves_nothing_of_its_host_gives_no_names() -> None:
    old = asking("same", {}).in_namespace("other")
    new = asking("same", {ALIAS: "b.test"}, created=NEW)
    assert answer(world_of(old, new), "b.test", "/same") is None


def test_a_canary_gives_no_names() -> None:
    gray = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "10", ALIAS: "b.test", WWW: "true"}
    canary = ingress("gray", host="a.test").path("/one", to="gray:80").of_class("mse")
    world = world_of(asking("one", {}), canary.annotate(gray))
    assert answer(world, "b.test", "/one") is None
    assert answer(world, "www.a.test", "/one") is None


def test_a_name_below_a_wildcard_of_another_namespace_is_not_given_where_hosts_are_owned() -> None:
    wildcard = asking("wild", {}, "*.b.test").in_namespace("other")
    one = asking("one", {ALIAS: "a.b.test"}, created=NEW)
    assert answer(world_of(wildcard, one), "a.b.test", "/one") == "default/one/80"
    world = world_of(wildcard, one, owned=True)
    assert answer(world, "a.b.test", "/one") is None
    assert [problem.reason for problem in told(world, one)] == ["HostOwnedByAnother"]


@pytest.mark.parametrize(
    ("alias", "certified", "to"),
    [
        pytest.param("b.test", ["a.test", "b.test"], "b.test", id="alias-with-a-certificate"),
        pytest.param("*.b.test", ["a.test", "*.b.test"], "", id="wildcard-with-a-certificate"),
        pytest.param("b.test", ["a.test"], "a.test", id="alias-without"),
    ],
)
def test_requests_in_clear_stay_at_the_alias_where_it_has_https(
    alias: str, certified: list[str], to: str
) -> None:
    one = asking("one", {ALIAS: alias, f"{NGINX}ssl-redirect": "true"}).tls("cert", *certified)
    world = world_of(one)
    world.put(secret("cert", tls_data(certificate(*certified))).manifest)
    key = TypeUrl.SCOPED_ROUTE, f"mse|{alias}"
    table: Any = readable(TypeUrl.SCOPED_ROUTE, world.snapshots["mse/gw"][key].body)
    host = alias.replace("*", "x")
    asked = Request("/one", host, headers={"x-forwarded-proto": "http"})
    route = choose(table["route_configuration"]["virtual_hosts"][0], asked)
    assert route is not None
    assert route["redirect"]["https_redirect"]
    assert route["redirect"].get("host_redirect", "") == to


@pytest.mark.parametrize("owned", [False, True])
def test_an_alias_has_a_certificate_unless_rules_name_it(*, owned: bool) -> None:
    one = asking("one", {ALIAS: "alias.test"}).tls("cert", "a.test")
    world = world_of(one, owned=owned)
    pair = secret("cert", tls_data(certificate("a.test", "alias.test")))
    world.attach(HUB)
    world.put(pair.manifest)
    assert world.names(TypeUrl.SECRET) == ["a.test", "alias.test"]

    other = asking("two", {}, "alias.test", NEW).in_namespace("other")
    world.put(other.manifest)
    assert world.names(TypeUrl.SECRET) == ["a.test"]
    world.remove(other.manifest)
    assert world.names(TypeUrl.SECRET) == ["a.test", "alias.test"]


# -- from-to-www-redirect --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "other"),
    [
        pytest.param("a.test", "www.a.test", id="with-www"),
        pytest.param("www.a.test", "a.test", id="without-www"),
    ],
)
def test_the_other_spelling_of_a_host_is_redirected_to_it(host: str, other: str) -> None:
    one = asking("one", {WWW: "true"}, host)
    world = world_of(one)
    assert answer(world, host, "/one") == "default/one/80"
    assert answer(world, other, "/one") == f"to {host}"
    assert told(world, one) == []


@pytest.mark.parametrize(
    ("host", "value"),
    [
        pytest.param("*.a.test", "true", id="wildcard"),
        pytest.param("", "true", id="every-host"),
        pytest.param("a.test", "false", id="off"),
        pytest.param("a.test", "yes", id="unusable"),
    ],
)
def test_no_host_is_redirected(host: str, value: str) -> None:
    world = world_of(asking("one", {WWW: value}, host))
    expected = sorted({"mse|*", f"mse|{host or '*'}"})
    assert world.names(TypeUrl.SCOPED_ROUTE) == expected


@pytest.mark.parametrize(
    ("annotations", "host", "reasons"),
    [
        pytest.param({WWW: "true"}, "*.a.test", ["NoHostForAlias"], id="redirect-of-a-wildcard"),
        pytest.param({WWW: "true"}, "", ["NoHostForAlias"], id="redirect-of-every-host"),
        pytest.param({ALIAS: "b.test"}, "", ["NoHostForAlias"], id="alias-of-every-host"),
        pytest.param({ALIAS: "b.test"}, "*.a.test", [], id="alias-of-a-wildcard"),
        pytest.param({ALIAS: "a.test"}, "a.test", [], id="the-host-itself"),
    ],
)
def test_an_annotation_that_finds_no_host_to_name_is_told(
    annotations: Mapping[str, str], host: str, reasons: list[str]
) -> None:
    one = asking("one", annotations, host)
    assert [problem.reason for problem in told(world_of(one), one)] == reasons


def test_the_other_spelling_is_served_where_rules_name_it() -> None:
    one = asking("one", {WWW: "true"})
    own = one.host("www.a.test").path("/own", to="own:80")
    assert answer(world_of(own), "www.a.test", "/own") == "default/own/80"
    assert told(world_of(own), own) == []
    other = asking("two", {}, "www.a.test", NEW)
    world = world_of(one, other)
    assert answer(world, "www.a.test", "/two") == "default/two/80"
    assert [problem.reason for problem in told(world, one)] == ["AliasTaken"]


def test_a_change_of_another_host_recomputes_no_alias() -> None:
    world = world_of(asking("one", {ALIAS: "b.test"}), asking("two", {}, "c.test"))
    computed = world.put(asking("two", {}, "c.test").path("/x", to="x:80").manifest)
    assert not any("alias" in table for table in computed)


def test_a_fleet_without_aliases_computes_none() -> None:
    world = World()
    world.attach("one")
    computed = world.put(GATEWAY.manifest, asking("one", {}).manifest)
    assert not any("alias" in table for table in computed)
