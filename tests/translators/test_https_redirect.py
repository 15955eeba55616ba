"""Requests in clear text are redirected to https if a trusted proxy in front ends TLS."""

from typing import Any

import pytest

from fleet.problem import Problem
from tests.support.builders import Builder, IngressBuilder, ingress, mse_gateway
from tests.support.envoy_routing import Request, choose
from tests.support.host_tables import find_table
from tests.support.translation import World
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.dialects.mse.objects import MseIngressConfig
from translators.envoy.filters import CORS, SOURCES
from translators.envoy.host_tables import LONG
from xds.readable import readable
from xds.resource import TypeUrl

NGINX = "nginx.ingress.kubernetes.io/"
REDIRECT, FORCE = f"{NGINX}ssl-redirect", f"{NGINX}force-ssl-redirect"
CANARY = {f"{NGINX}canary": "true", f"{NGINX}canary-by-header": "stage"}
HTTP, HTTPS = {"x-forwarded-proto": "http"}, {"x-forwarded-proto": "https"}

WEB = ingress("web", host="web.test").path("/a", to="web:80").of_class("mse")
TRUSTING = mse_gateway("gw", members=["one"]).annotate({TRUSTED_PROXIES: "10.0.0.0/8"})


def world_of(*ingresses: IngressBuilder, gateway: Builder[MseIngressConfig] = TRUSTING) -> World:
    world = World()
    world.attach("one")
    world.put(gateway.manifest, *(each.manifest for each in ingresses))
    return world


def route_of(world: World, path: str, headers: dict[str, str], host: str = "web.test") -> Any:  # noqa: ANN401 (JSON)
    """Return the route of a request."""
    name = find_table(world.names(TypeUrl.SCOPED_ROUTE), "mse", host)
    table: Any = readable(
        TypeUrl.SCOPED_ROUTE, world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, name].body
    )
    request = Request(path, host, headers)
    route = choose(table["route_configuration"]["virtual_hosts"][0], request)
    assert route is not None
    return route


def answer(world: World, path: str, headers: dict[str, str], host: str = "web.test") -> str:
    """Return the Cluster of a request, the URL of its redirect, or its status."""
    route = route_of(world, path, headers, host)
    if "redirect" in route:
        redirect = route["redirect"]
        assert redirect["https_redirect"]
        assert redirect["response_code"] == "PERMANENT_REDIRECT"
        return f"https://{redirect.get('host_redirect', '*')}"
    if "direct_response" in route:
        return str(route["direct_response"]["status"])
    return str(route["route"]["cluster"])


def problems(world: World) -> list[Problem]:
    row = world.translator.tables.statuses.of_ingresses.rows[WEB.ref()]
    return [problem for problem in row.problems if problem.reason == "NoHttps"]


@pytest.mark.parametrize(
    ("annotations", "redirected"),
    [
        pytest.param({REDIRECT: "true"}, True, id="ssl-redirect"),
        pytest.param({FORCE: "true"}, True, id="force-ssl-redirect"),
        pytest.param({REDIRECT: "false", FORCE: "true"}, True, id="one-of-the-two"),
        pytest.param({REDIRECT: "false"}, False, id="off"),
        pytest.param({REDIRECT: "yes"}, False, id="unusable"),
        pytest.param({}, False, id="absent"),
    ],
)
def test_requests_in_clear_are_redirected_where_an_annotation_says_so(
    annotations: dict[str, str], redirected: bool
) -> None:
    world = world_of(WEB.annotate(annotations))
    assert answer(world, "/a/b", HTTP) == ("https://web.test" if redirected else "default/web/80")
    assert answer(world, "/a/b", HTTPS) == "default/web/80"
    assert answer(world, "/b", HTTP) == "404"


def test_a_redirect_has_the_list_of_clients_and_nothing_that_needs_a_backend() -> None:
    more = {"enable-cors": "true", "whitelist-source-range": "10.0.0.0/8"}
    annotations = {REDIRECT: "true", **{f"{NGINX}{key}": value for key, value in more.items()}}
    world = world_of(WEB.annotate(annotations))
    made = world.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, "mse|web.test"]
    table: Any = readable(TypeUrl.SCOPED_ROUTE, made.body)
    routes = table["route_configuration"]["virtual_hosts"][0]["routes"]
    filters = {
        action: set(route["typed_per_filter_config"])
        for route in routes
        for action in ("redirect", "route")
        if action in route
    }
    assert filters == {"redirect": {SOURCES}, "route": {SOURCES, CORS}}


def test_every_rule_of_the_ingress_is_for_https_and_no_other() -> None:
    closed = WEB.path("/a/c", to="web:80").default("rest:80").annotate({REDIRECT: "true"})
    opened = ingress("open", host="web.test").path("/a/open", to="open:80").of_class("mse")
    world = world_of(closed, opened)
    for path, https in [("/a", "web"), ("/a/c", "web"), ("/", "rest")]:
        assert answer(world, path, HTTP) == "https://web.test"
        assert answer(world, path, HTTPS) == f"default/{https}/80"
    assert answer(world, "/a/open", HTTP) == "default/open/80"


@pytest.mark.parametrize("rules", [LONG + 1, 2], ids=["tree", "list"])
def test_a_host_of_any_number_of_rules_is_redirected(rules: int) -> None:
    many = ingress("web", host="web.test").of_class("mse").annotate({REDIRECT: "true"})
    for number in range(rules):
        many = many.path(f"/{number}", to=f"s{number}:80")
    world = world_of(many)
    assert answer(world, "/1/x", HTTP) == "https://web.test"
    assert answer(world, "/1/x", HTTPS) == "default/s1/80"


@pytest.mark.parametrize("host", ["*.web.test", ""], ids=["wildcard", "every-host"])
def test_a_host_that_no_rule_names_stays_as_it_was_asked(host: str) -> None:
    rule = ingress("web", host=host).path("/", to="web:80").of_class("mse")
    world = world_of(rule.annotate({REDIRECT: "true"}))
    assert answer(world, "/", HTTP, "a.web.test") == "https://*"


def test_a_canary_is_for_https_as_its_main_rule_is() -> None:
    canary = ingress("new", host="web.test").path("/a", to="new:80").of_class("mse")
    world = world_of(WEB.annotate({REDIRECT: "true"}), canary.annotate(CANARY))
    stage = {"stage": "always"}
    assert answer(world, "/a", {**HTTP, **stage}) == "https://web.test"
    assert answer(world, "/a", {**HTTPS, **stage}) == "default/new/80>default/web/80"

    world = world_of(WEB, canary.annotate({**CANARY, REDIRECT: "true"}))
    assert answer(world, "/a", {**HTTP, **stage}) == "default/new/80>default/web/80"


def test_where_no_proxy_is_trusted_the_requests_are_served() -> None:
    """Nothing serves https there, and behind a proxy that ends TLS a redirect would be a loop."""
    world = world_of(WEB.annotate({FORCE: "true"}), gateway=mse_gateway("gw", members=["one"]))
    assert answer(world, "/a", HTTP) == "default/web/80"
    (problem,) = problems(world)
    assert (problem.key, problem.value) == (FORCE, "true")
    assert TRUSTED_PROXIES in problem.expected

    world.put(TRUSTING.manifest)
    assert answer(world, "/a", HTTP) == "https://web.test"
    assert not problems(world)


def test_what_is_closed_stays_closed() -> None:
    closed = {REDIRECT: "true", f"{NGINX}auth-snippet": "deny all;"}
    assert answer(world_of(WEB.annotate(closed)), "/a", HTTP) == "503"


AUTH = {f"{NGINX}auth-type": "basic", f"{NGINX}auth-secret": "users"}
LIST = {f"{NGINX}allowlist-source-range": "10.0.0.0/8"}
LISTS = "envoy.filters.http.rbac"


@pytest.mark.parametrize(
    ("annotations", "asked"),
    [
        pytest.param(AUTH, [], id="passwords"),
        pytest.param({f"{NGINX}auth-url": "http://auth.default.svc:80/"}, [], id="service"),
        pytest.param(LIST, [LISTS], id="addresses"),
        pytest.param({**AUTH, **LIST}, [LISTS], id="addresses-and-passwords"),
        pytest.param(
            {**AUTH, **LIST, f"{NGINX}satisfy": "any"}, [LISTS], id="everybody-may-sign-in"
        ),
        pytest.param({f"{NGINX}limit-rps": "1", f"{NGINX}proxy-body-size": "1k"}, [], id="limits"),
    ],
)
def test_nobody_is_asked_for_a_password_in_clear_text(
    annotations: dict[str, str], asked: list[str]
) -> None:
    world = world_of(WEB.annotate({REDIRECT: "true", **annotations}))
    route = route_of(world, "/a", HTTP)
    assert "redirect" in route
    assert list(route.get("typed_per_filter_config", ())) == asked
    assert "typed_per_filter_config" in route_of(world, "/a", HTTPS)
