"""`rewrite-target` and `upstream-vhost`: what the backend gets instead of the path and the Host."""

import re
from typing import Any

import pytest
import re2

from tests.translators.plans import MSE, NGINX, ingress_with, plan, problems
from translators.envoy.routes import encode_route
from translators.policies.policy import route_parts
from translators.policies.rewrite import BackendHost, PathRewrite
from xds.readable import readable

TARGET, REGEX = f"{NGINX}rewrite-target", f"{NGINX}use-regex"
VHOST = f"{NGINX}upstream-vhost"
ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"


def action(path: str, annotations: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """Return the action of the route of an Ingress with one path."""
    (rule,) = plan(ingress_with("web", f"{path} to web:80", annotations=annotations)).rules
    return readable(ROUTE, encode_route(rule, route_parts(rule.policies)))["route"]


def rewritten(path: str, target: str, asked: str) -> str:
    """Return the path that a backend gets, computed as Envoy does."""
    rewrite = action(path, {TARGET: target})["regex_rewrite"]
    pattern, substitution = rewrite["pattern"]["regex"], rewrite["substitution"]
    # A group has one digit in C++.
    made: str = re2.sub(pattern, re.sub(r"\\(\d)", r"\\g<\1>", substitution), asked)
    return made


@pytest.mark.parametrize(
    ("path", "target", "asked", "got"),
    [
        pytest.param("Prefix /something(/|$)(.*)", "/$2", "/something", "/", id="bare"),
        pytest.param("Prefix /something(/|$)(.*)", "/$2", "/something/", "/", id="slash"),
        pytest.param("Prefix /something(/|$)(.*)", "/$2", "/something/new", "/new", id="below"),
        pytest.param("Prefix /a", "/b", "/a/c/d", "/b", id="the-whole-path"),
        pytest.param("Exact /a", "/b", "/a", "/b", id="exact"),
        pytest.param("Prefix /", "/", "/a/c", "/", id="everything"),
        pytest.param("Prefix /a(.*)", "/$9x$1", "/a/1", "/x/1", id="unknown-group-is-empty"),
        pytest.param("Prefix /a", "/x/$1", "/a/b", "/x/", id="no-groups-at-all"),
        pytest.param("Prefix /(a)(b)", "/$2/$1", "/abc", "/b/a", id="swapped"),
        pytest.param("Prefix /(a)", "/$10", "/a", "/a0", id="nine-groups"),
        pytest.param("Prefix /a(/.*)", "/é$1", "/a/x", "/%C3%A9/x", id="as-requests-spell-it"),
        pytest.param("Prefix /a(/.*)", "$1", "/a/x", "/x", id="a-group-alone"),
        pytest.param("Prefix /a(/.*|$)", "$1", "/a/x", "/x", id="a-group-with-a-slash-or-empty"),
        pytest.param("Prefix /a(/|$)(.*)", "$1$2", "/a/x", "/x", id="a-slash-alone"),
        pytest.param("Prefix /a/(.*)", "$1", "/a/x", "/x", id="a-slash-before-the-group"),
        pytest.param("Prefix /a/(.*)", "$1", "/a/http://b/", "/http://b/", id="no-other-host"),
        pytest.param("Prefix /a(.*)", "$1", "/a/x", "/x", id="a-group-of-anything"),
        pytest.param("Prefix /a(.+)", "$1", "/a/x", "/x", id="a-group-of-something"),
        pytest.param("Prefix /a(.*)", "$1", "/ahttp://b/", "/ahttp://b/", id="not-below"),
        pytest.param("Prefix /a(?P<x>.*)", "$1", "/a/x", "/x", id="a-group-with-a-name"),
        pytest.param("Prefix /(?:[(]|\\()?b(.*)", "$1", "/b/x", "/x", id="other-parentheses"),
        pytest.param("Prefix /a(.*)", "/100%25$1", "/a/x", "/100%25/x", id="percent"),
    ],
)
def test_the_target_replaces_the_path(path: str, target: str, asked: str, got: str) -> None:
    assert rewritten(path, target, asked) == got


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("a", id="no-path"),
        pytest.param("http://a.test/", id="url"),
        pytest.param("/a?b=$1", id="query"),
        pytest.param("/a#b", id="fragment"),
        pytest.param("/a b", id="blank"),
        pytest.param("/a\\1", id="backslash"),
        pytest.param("/$request_uri", id="variable-of-nginx"),
        pytest.param("/a\u0001", id="control-character"),
        pytest.param("/a\r\nx: y", id="header-injection"),
        pytest.param(f"/{'a' * 5000}", id="huge"),
    ],
)
def test_a_target_that_cannot_be_used_is_told(target: str) -> None:
    web = ingress_with("web", "Prefix /a to web:80", annotations={TARGET: target})
    (problem,) = problems(web)
    assert (problem.reason, problem.key) == ("InvalidAnnotation", TARGET)
    assert problem.effect == "the annotation is ignored"
    (rule,) = plan(web).rules
    assert rule.policies == ()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        pytest.param("/a([a-z]+)", "$1", id="no-slash"),
        pytest.param("/a(/?)(.*)", "$1$2", id="perhaps-a-slash"),
        pytest.param("/a(/x|y)", "$1", id="a-slash-in-one-alternative"),
        pytest.param("/a(/)?(.*)", "$1$2", id="an-optional-slash"),
        pytest.param("/a(/|)(.*)", "$1$2", id="a-slash-or-nothing"),
        pytest.param("/a(/|$)", "$1x", id="text-behind-an-end"),
        pytest.param("/a", "$1x", id="no-such-group-before-text"),
        pytest.param("/a", "$1", id="no-such-group"),
    ],
)
def test_a_target_that_makes_no_path_is_told_and_the_path_stays(path: str, target: str) -> None:
    web = ingress_with("web", f"Prefix {path} to web:80", annotations={TARGET: target})
    (problem,) = problems(web)
    assert (problem.reason, problem.key, problem.value) == ("InvalidAnnotation", TARGET, target)
    assert problem.effect == f"{path} is not rewritten"
    assert plan(web).rules[0].policies == ()


def test_the_first_spelling_that_parses_counts() -> None:
    made = action("Prefix /a", {TARGET: "no path", f"{MSE}rewrite-target": "/b"})
    assert made["regex_rewrite"]["substitution"] == "/b"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        pytest.param("inner.test", "inner.test", id="name"),
        pytest.param("inner.test:8080", "inner.test:8080", id="port"),
        pytest.param("inner.test:0", None, id="port-zero"),
        pytest.param("inner.test:65536", None, id="port-too-large"),
        pytest.param("web_1", "web_1", id="underscore"),
        pytest.param("[::1]:80", "[::1]:80", id="ipv6"),
        pytest.param("$host", None, id="variable-of-nginx"),
        pytest.param("a b", None, id="blank"),
        pytest.param("a/b", None, id="path"),
        pytest.param("a\r\nx: y", None, id="header-injection"),
        pytest.param("%REQ(x)%", None, id="operator-of-envoy"),
        pytest.param(f"{'a' * 300}", None, id="huge"),
    ],
)
def test_the_backend_gets_another_host(text: str, host: str | None) -> None:
    made = action("Prefix /a", {VHOST: text})
    assert made.get("host_rewrite_literal") == host
    web = ingress_with("web", "Prefix /a to web:80", annotations={VHOST: text})
    assert [p.reason for p in problems(web)] == ([] if host else ["InvalidAnnotation"])


def test_a_canary_takes_the_rewrite_of_its_main_rule_and_no_own() -> None:
    gray = {f"{NGINX}canary": "true", f"{NGINX}canary-by-header": "x-canary"}
    main = ingress_with(
        "main", "Prefix /a(.*) to web:80", annotations={TARGET: "/b$1", VHOST: "main.test"}
    )
    own = {TARGET: "/own", VHOST: "own.test"}
    canary = ingress_with("gray", "Prefix /a(.*) to gray:80", annotations={**gray, **own})
    rules = plan(main, canary).rules
    assert len(rules) == 3
    wanted = (PathRewrite("(?:/a(.*)).*", r"/b\1"), BackendHost("main.test"))
    assert {rule.policies for rule in rules} == {wanted}
