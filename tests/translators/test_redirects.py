"""Redirects to a URL, and the one of `/` to an application's root."""

from typing import Any

import pytest

from tests.translators.plans import MSE, NGINX, ingress_with, plan, problems
from translators.dialects.annotations.closed import CLOSED
from translators.envoy.routes import encode_route
from translators.model.actions import FixedResponse, Forward, Redirect
from translators.policies.sources import RouteSources
from xds.readable import readable

TEMPORAL, PERMANENT = f"{NGINX}temporal-redirect", f"{NGINX}permanent-redirect"
APP_ROOT = f"{NGINX}app-root"
TO = "https://a.test/x"
ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def redirect(annotations: dict[str, str]) -> Redirect | None:
    """Return the redirect of an Ingress with one path; None if it asks its backend."""
    (rule,) = plan(ingress_with("web", "Prefix /a to web:80", annotations=annotations)).rules
    if isinstance(rule.action, Redirect):
        return rule.action
    assert isinstance(rule.action, Forward)
    return None


def to(
    scheme: str, host: str, port: int = 0, path: str = "", status: int = 302, *, keeps: bool = False
) -> Redirect:
    return Redirect(status, scheme, host, port, path, keeps_query=keeps)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        pytest.param("https://a.test", to("https", "a.test", keeps=True), id="no-path"),
        pytest.param("https://a.test/", to("https", "a.test", path="/"), id="root"),
        pytest.param("http://a.test/x?y=1", to("http", "a.test", path="/x?y=1"), id="query"),
        pytest.param("http://a.test?y=1", to("http", "a.test", path="/?y=1"), id="query-alone"),
        pytest.param("http://a.test/x#y", to("http", "a.test", path="/x#y"), id="fragment"),
        pytest.param("HTTP://A.test:8080/X", to("http", "a.test", 8080, "/X"), id="port"),
        pytest.param("http://[::1]:80/", to("http", "[::1]", 80, "/"), id="ipv6"),
        pytest.param("http://a.test/%20%25", to("http", "a.test", path="/%20%25"), id="percent"),
        pytest.param("a.test", None, id="no-scheme"),
        pytest.param("/x", None, id="path-alone"),
        pytest.param("ftp://a.test", None, id="other-scheme"),
        pytest.param("https://", None, id="no-host"),
        pytest.param("https://me@a.test/", None, id="user"),
        pytest.param("https://a.test:0/", None, id="port-zero"),
        pytest.param("https://a.test:65536/", None, id="port-too-large"),
        pytest.param("https://a.test/a b", None, id="blank"),
        pytest.param("https://a.test/é", None, id="not-ascii"),
        pytest.param("https://a.test$request_uri", None, id="variable-of-nginx"),
        pytest.param("https://a.test/$1x", to("https", "a.test", path="/$1x"), id="dollar"),
        pytest.param("https://a.test/\r\nx: y", None, id="header-injection"),
        pytest.param(f"https://a.test/{'a' * 5000}", None, id="huge"),
    ],
)
def test_a_url_is_read_or_told(url: str, found: Redirect | None) -> None:
    assert redirect({TEMPORAL: url}) == found
    told = [
        p.key for p in problems(ingress_with("w", "Exact /a to s:80", annotations={TEMPORAL: url}))
    ]
    assert told == ([] if found else [TEMPORAL])


@pytest.mark.parametrize(
    ("annotations", "status"),
    [
        pytest.param({TEMPORAL: TO}, 302, id="temporal"),
        pytest.param({PERMANENT: TO}, 301, id="permanent"),
        pytest.param({TEMPORAL: TO, PERMANENT: "https://b.test"}, 302, id="temporal-beats"),
        pytest.param({TEMPORAL: "x", PERMANENT: TO}, 301, id="an-unusable-one-beats-nothing"),
        pytest.param({PERMANENT: TO, f"{PERMANENT}-code": "308"}, 308, id="code"),
        pytest.param({PERMANENT: TO, f"{PERMANENT}-code": "300"}, 300, id="lowest-code"),
        pytest.param({PERMANENT: TO, f"{PERMANENT}-code": "309"}, 301, id="no-such-code"),
        pytest.param({PERMANENT: TO, f"{PERMANENT}-code": "308s"}, 301, id="no-number"),
        pytest.param({TEMPORAL: TO, f"{TEMPORAL}-code": "307"}, 307, id="temporal-code"),
        pytest.param({TEMPORAL: TO, f"{TEMPORAL}-code": "-1"}, 302, id="negative"),
        pytest.param({TEMPORAL: TO, f"{PERMANENT}-code": "308"}, 302, id="code-of-the-other"),
        pytest.param({f"{MSE}permanent-redirect": TO}, 301, id="of-mse"),
        pytest.param({TEMPORAL: TO, f"{NGINX}ssl-redirect": "true"}, 302, id="beats-https"),
    ],
)
def test_the_status_of_a_redirect(annotations: dict[str, str], status: int) -> None:
    found = redirect(annotations)
    assert found is not None
    assert (found.status, found.host, found.path) == (status, "a.test", "/x")


@pytest.mark.parametrize("status", range(300, 309))
def test_every_status_reaches_the_client(status: int) -> None:
    annotations = {PERMANENT: "https://a.test:1/100%25", f"{PERMANENT}-code": str(status)}
    (rule,) = plan(ingress_with("web", "Prefix /a to web:80", annotations=annotations)).rules
    made: Any = readable(ROUTE, encode_route(rule))
    if status in {301, 302, 303, 307, 308}:
        assert "direct_response" not in made
        assert made["redirect"]["path_redirect"] == "/100%25"
    else:
        assert made["direct_response"]["status"] == status
        (header,) = made["response_headers_to_add"]
        assert header["header"] == {"key": "location", "value": "https://a.test:1/100%%25"}


def test_a_closed_path_is_not_redirected() -> None:
    closed = {TEMPORAL: TO, APP_ROOT: "/app", f"{NGINX}auth-type": "digest"}
    rules = plan(ingress_with("web", "Prefix /a to web:80", annotations=closed)).rules
    assert [(rule.path.value, rule.action) for rule in rules] == [("/", CLOSED), ("/a", CLOSED)]
    assert isinstance(CLOSED, FixedResponse)


def test_a_canary_of_a_redirect_takes_no_request() -> None:
    gray = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "100"}
    main = ingress_with("main", "Prefix /a to web:80", annotations={TEMPORAL: TO})
    canary = ingress_with("gray", "Prefix /a to gray:80", annotations={**gray, PERMANENT: TO})
    (rule,) = plan(main, canary).rules
    assert isinstance(rule.action, Redirect)
    assert (rule.action.status, rule.origin.name) == (302, "main")


# -- app-root --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("/app", "/app", id="path"),
        pytest.param("/app?a=1", "/app?a=1", id="query"),
        pytest.param("/", None, id="itself"),
        pytest.param("//other.test/", None, id="another-host"),
        pytest.param("https://a.test/", None, id="url"),
        pytest.param("app", None, id="no-slash"),
        pytest.param("/a b", None, id="blank"),
        pytest.param("/a\r\nx: y", None, id="header-injection"),
        pytest.param("/?a=1", None, id="itself-with-a-query"),
        pytest.param("/#/login", None, id="itself-with-a-fragment"),
        pytest.param("/%2e/", None, id="itself-normalised"),
        pytest.param("/a/..", None, id="dot-segments"),
        pytest.param("/$host", None, id="variable-of-nginx"),
    ],
)
def test_the_root_of_an_application(text: str, path: str | None) -> None:
    web = ingress_with("web", "Prefix /app to web:80", annotations={APP_ROOT: text})
    roots = [rule for rule in plan(web).rules if rule.path.value == "/"]
    assert [rule.action for rule in roots] == ([Redirect(302, path=path)] if path else [])
    assert [p.key for p in problems(web)] == ([] if path else [APP_ROOT])


def test_a_fragment_comes_after_the_query() -> None:
    """So the query of the request cannot stay."""
    web = ingress_with("web", "Prefix /app to web:80", annotations={APP_ROOT: "/app#/login"})
    action = plan(web).rules[0].action
    assert action == Redirect(302, path="/app#/login", keeps_query=False)


@pytest.mark.parametrize("redirect", [{TEMPORAL: TO}, {APP_ROOT: "/app"}], ids=["url", "root"])
def test_a_redirect_asks_for_no_password_and_changes_no_answer(redirect: dict[str, str]) -> None:
    beside = {
        f"{NGINX}auth-type": "basic",
        f"{NGINX}auth-secret": "users",
        f"{NGINX}auth-url": "http://auth.default.svc/",
        f"{NGINX}proxy-redirect-from": "https://a.test",
        f"{NGINX}proxy-redirect-to": "https://b.test",
        f"{NGINX}allowlist-source-range": "10.0.0.0/8",
    }
    web = ingress_with("web", "Prefix /a to web:80", annotations={**redirect, **beside})
    rule = plan(web).rules[0]
    assert isinstance(rule.action, Redirect)
    assert [type(policy) for policy in rule.policies] == [RouteSources]


def test_a_root_wins_over_the_paths_of_its_ingress() -> None:
    web = ingress_with(
        "web", "Exact / to web:80", "Prefix / to web:80", annotations={APP_ROOT: "/app"}
    )
    exact, prefix = plan(web).rules
    assert isinstance(exact.action, Redirect)
    assert isinstance(prefix.action, Forward)
    (problem,) = problems(web)
    assert (problem.reason, problem.key) == ("Conflict", "spec.rules[0].http.paths[0]")
    assert APP_ROOT in problem.effect


def test_of_a_root_and_an_older_ingress_with_the_same_path_the_older_one_stays() -> None:
    old = ingress_with("old", "Exact / to web:80", created=OLD)
    new = ingress_with("new", "Prefix /a to web:80", created=NEW, annotations={APP_ROOT: "/a"})
    assert [rule.origin.name for rule in plan(old, new).rules] == ["old", "new"]
    (problem,) = problems(old, new)
    assert (problem.at.name, problem.key) == ("new", APP_ROOT)


def test_a_canary_has_no_root() -> None:
    gray = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "10", APP_ROOT: "/gray"}
    main = ingress_with("main", "Prefix /a to web:80")
    canary = ingress_with("gray", "Prefix /a to gray:80", annotations=gray)
    assert [rule.path.value for rule in plan(main, canary).rules] == ["/a"]


def test_an_ingress_with_a_default_backend_alone_has_a_root() -> None:
    web = ingress_with("web", default="web:80", annotations={APP_ROOT: "/app"})
    (rule,) = plan(web, host="").rules
    assert rule.action == Redirect(302, path="/app")


def test_each_host_has_a_root() -> None:
    one = ingress_with("web", "Prefix /a to web:80", annotations={APP_ROOT: "/app"})
    manifest = one.model_dump(by_alias=True)
    rules = manifest["spec"]["rules"]
    manifest["spec"]["rules"] = [*rules, {**rules[0], "host": "*.b.test"}, {"host": "c.test"}]
    web = type(one).model_validate(manifest)
    for host in ("example.com", "*.b.test", "c.test"):
        assert plan(web, host=host).rules[0].action == Redirect(302, path="/app")
