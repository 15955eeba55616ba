"""The annotations `enable-cors` and `cors-*` ask for a policy of CORS."""

from typing import Any

import pytest

from tests.translators.plans import MSE, NGINX, ingress_with, plan, problems
from tests.translators.policies import filters_of
from translators.envoy.filters import CORS

ON = {NGINX + "enable-cors": "true"}


def policy(annotations: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    (rule,) = plan(ingress_with("shop", "Exact /a to s:80", annotations=annotations)).rules
    return filters_of(rule).get(CORS)


def told(annotations: dict[str, str]) -> list[tuple[str, str, str]]:
    shop = ingress_with("shop", "Exact /a to s:80", annotations=annotations)
    return [(p.key.partition("/")[2], p.value, p.effect) for p in problems(shop)]


def test_the_defaults_are_those_of_the_documents() -> None:
    assert policy(ON) == {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"exact": "*"}],
        "allow_methods": "GET, PUT, POST, DELETE, PATCH, OPTIONS",
        "allow_headers": "DNT, X-CustomHeader, Keep-Alive, User-Agent, X-Requested-With, "
        "If-Modified-Since, Cache-Control, Content-Type, Authorization",
        "max_age": "1728000",
        "allow_credentials": True,
    }


@pytest.mark.parametrize("value", ["false", "", "treu", "yes"])
def test_without_the_switch_there_is_no_cors(value: str) -> None:
    assert policy({NGINX + "enable-cors": value, NGINX + "cors-max-age": "5"}) is None


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        pytest.param("cors-allow-methods", "GET,POST", "allow_methods", "GET, POST", id="methods"),
        pytest.param("cors-allow-headers", "X-A, X-B,", "allow_headers", "X-A, X-B", id="headers"),
        pytest.param("cors-expose-headers", "*", "expose_headers", "*", id="exposed"),
        pytest.param(
            "cors-allow-credentials", "false", "allow_credentials", False, id="no-cookies"
        ),
        pytest.param("cors-max-age", "0", "max_age", "0", id="not-kept"),
        pytest.param("cors-max-age", "-1", "max_age", "-1", id="never-kept"),
        pytest.param("cors-max-age", "600", "max_age", "600", id="ten-minutes"),
    ],
)
def test_a_key_sets_its_field(key: str, value: str, field: str, expected: object) -> None:
    annotations = {**ON, NGINX + key: value}
    assert policy(annotations)[field] == expected
    assert told(annotations) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("*", {"exact": "*"}, id="all"),
        pytest.param("https://a.test, *", {"exact": "*"}, id="all-in-a-list"),
        pytest.param("https://a.test", {"exact": "https://a.test"}, id="one"),
        pytest.param("HTTPS://A.Test", {"exact": "https://a.test"}, id="capitals"),
        pytest.param("https://a.test:443", {"exact": "https://a.test"}, id="usual-port"),
        pytest.param("https://a.test:80", {"exact": "https://a.test:80"}, id="another-port"),
        pytest.param("http://localhost:3000", {"exact": "http://localhost:3000"}, id="port"),
        pytest.param("http://[::1]:8080", {"exact": "http://[::1]:8080"}, id="ipv6"),
        pytest.param("capacitor://localhost", {"exact": "capacitor://localhost"}, id="app"),
        pytest.param(
            "https://*.a.test:8443",
            {"safe_regex": {"regex": r"https://[a-z0-9_.-]*[a-z0-9_-]\.a\.test\:8443"}},
            id="names-below",
        ),
    ],
)
def test_an_origin(value: str, expected: object) -> None:
    annotations = {**ON, NGINX + "cors-allow-origin": value}
    assert policy(annotations)["allow_origin_string_match"] == [expected]
    assert told(annotations) == []


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a.test", id="no-scheme"),
        pytest.param("https://a.test/", id="path"),
        pytest.param("https://a*.test", id="star-inside"),
        pytest.param("https://*", id="star-alone"),
        pytest.param("https://u@a.test", id="user"),
        pytest.param("https://a.test:port", id="port-that-is-no-number"),
        pytest.param("https://a.test:123456", id="huge-port"),
        pytest.param("https://a.test:65536", id="port-too-large"),
        pytest.param("https://a.test:0", id="port-zero"),
        pytest.param("https://a b.test", id="blank"),
        pytest.param("https://a\n.test", id="newline"),
        pytest.param("https://%61.test", id="percent"),
        pytest.param("https://" + "a" * 300, id="huge"),
        pytest.param("https://é.test", id="beyond-ascii"),
    ],
)
def test_an_origin_that_cannot_be_used_is_dropped_alone(value: str) -> None:
    annotations = {**ON, NGINX + "cors-allow-origin": f"https://ok.test,{value}"}
    assert policy(annotations)["allow_origin_string_match"] == [{"exact": "https://ok.test"}]
    assert told(annotations) == [("cors-allow-origin", value, "this origin is not allowed")]


def test_without_a_usable_origin_nobody_is_allowed() -> None:
    annotations = {**ON, NGINX + "cors-allow-origin": "a.test"}
    assert policy(annotations) is None
    assert told(annotations) == [("cors-allow-origin", "a.test", "no origin is allowed")]


def test_origins_have_a_bound() -> None:
    many = ",".join(f"https://a{n}.test" for n in range(70))
    annotations = {**ON, NGINX + "cors-allow-origin": many}
    assert len(policy(annotations)["allow_origin_string_match"]) == 64
    assert told(annotations) == [("cors-allow-origin", "70 items", "this origin is not allowed")]


@pytest.mark.parametrize(
    ("key", "value", "effect"),
    [
        pytest.param("cors-allow-methods", "GET POST", "the default holds", id="methods"),
        pytest.param("cors-allow-headers", "a\r\nb: c", "the default holds", id="header-injected"),
        pytest.param(
            "cors-allow-credentials", "maybe", "credentials are allowed", id="credentials"
        ),
        pytest.param("cors-max-age", "1d", "1728000 holds", id="unit"),
        pytest.param("cors-max-age", "9" * 30, "1728000 holds", id="huge"),
    ],
)
def test_a_default_stands_in_for_a_value_that_cannot_be_used(
    key: str, value: str, effect: str
) -> None:
    annotations = {**ON, NGINX + key: value}
    assert policy(annotations) == policy(ON)
    assert told(annotations) == [(key, value, effect)]


def test_a_canary_has_the_policy_of_its_main() -> None:
    main = ingress_with("main", "Exact /a to old:80", annotations=ON)
    gray = {NGINX + "canary": "true", NGINX + "canary-by-header": "x", MSE + "enable-cors": "true"}
    gray[NGINX + "cors-max-age"] = "5"
    canary = ingress_with("canary", "Exact /a to new:80", annotations=gray)
    ages = [filters_of(rule)[CORS]["max_age"] for rule in plan(main, canary).rules]
    assert ages == ["1728000"] * 3
