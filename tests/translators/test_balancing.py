"""The annotations that choose a Pod, limit connections and warm up Pods; what follows of them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import ingress
from tests.translators.plans import HIGRESS, MSE, NGINX
from tests.translators.wishes import NO_NUMBERS, cluster_of, route_of, serving, told, wishes
from translators.model.balancing import Balancing
from translators.model.policy import Policy
from translators.policies.affinity import Cookie, HashBy, HashCookie, HashOf, PodCookie
from translators.policies.balancing import LoadBalancing, Warmup
from translators.policies.connections import (
    MaxConnections,
    MaxConnectionsOfPod,
    MaxRequestsOfConnection,
)

ALGORITHM, HASH, AFFINITY, MODE = (
    NGINX + name for name in ("load-balance", "upstream-hash-by", "affinity", "affinity-mode")
)
BRANCHES = f"{NGINX}affinity-canary-behavior"
NAME, PATH, MAX_AGE, EXPIRES, SAME_SITE, SECURE, DOMAIN, PARTITIONED, ON_FAILURE = (
    f"{NGINX}session-cookie-{name}"
    for name in (
        *("name", "path", "max-age", "expires", "samesite", "secure", "domain", "partitioned"),
        "change-on-failure",
    )
)
OF_SERVICE, OF_POD, REQUESTS = (
    f"{MSE}connection-policy-{name}"
    for name in (
        "tcp-max-connection",
        "tcp-max-connection-per-endpoint",
        "http-max-request-per-connection",
    )
)
WARMUP = f"{MSE}warmup"
BY_HASH = LoadBalancing(Balancing.HASH)
USUAL = HashCookie(Cookie("INGRESSCOOKIE"))


def header(name: str) -> HashBy:
    return HashBy(HashOf.HEADER, name)


@pytest.mark.parametrize(
    ("value", "balancing"),
    [
        pytest.param("round_robin", Balancing.ROUND_ROBIN, id="round-robin"),
        pytest.param("least_conn", Balancing.LEAST_REQUEST, id="least-conn"),
        pytest.param("random", Balancing.RANDOM, id="random"),
        pytest.param("RANDOM", Balancing.RANDOM, id="capitals"),
    ],
)
def test_an_algorithm_is_read(value: str, balancing: Balancing) -> None:
    assert wishes({ALGORITHM: value}) == (LoadBalancing(balancing),)


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        pytest.param("$request_uri", header(":path"), id="path"),
        pytest.param("$host", header(":authority"), id="host"),
        pytest.param("${host}", header(":authority"), id="braces"),
        pytest.param("$remote_addr", HashBy(HashOf.ADDRESS), id="address"),
        pytest.param("$binary_remote_addr", HashBy(HashOf.ADDRESS), id="address-in-binary"),
        pytest.param("$http_X_User_Id", header("x-user-id"), id="header"),
        pytest.param("$arg_Cart", HashBy(HashOf.QUERY, "Cart"), id="query-parameter"),
    ],
)
def test_a_hash_is_read(value: str, policy: Policy) -> None:
    assert wishes({HASH: value}) == (policy, BY_HASH)


@pytest.mark.parametrize(
    ("annotations", "policies"),
    [
        pytest.param({AFFINITY: "cookie"}, (USUAL, BY_HASH), id="affinity"),
        pytest.param({NAME: "route"}, (HashCookie(Cookie("route")), BY_HASH), id="by-name"),
        pytest.param(
            {PATH: "/a"}, (HashCookie(Cookie("INGRESSCOOKIE", "/a")), BY_HASH), id="by-path"
        ),
        pytest.param({AFFINITY: "cookie", MODE: "balanced"}, (USUAL, BY_HASH), id="balanced"),
        pytest.param(
            {AFFINITY: "cookie", MODE: "persistent", ALGORITHM: "random"},
            (PodCookie(Cookie("INGRESSCOOKIE")), LoadBalancing(Balancing.RANDOM)),
            id="persistent",
        ),
        pytest.param(
            {AFFINITY: "cookie", MODE: "persistent"},
            (PodCookie(Cookie("INGRESSCOOKIE")),),
            id="persistent-with-any-algorithm",
        ),
        pytest.param(
            {AFFINITY: "cookie", HASH: "$host", ALGORITHM: "random"},
            (USUAL, BY_HASH),
            id="affinity-beats-the-others",
        ),
        pytest.param(
            {HASH: "$host", ALGORITHM: "random"},
            (header(":authority"), BY_HASH),
            id="a-hash-beats-the-algorithm",
        ),
        pytest.param({MODE: "persistent", MAX_AGE: "5"}, (), id="a-mode-alone"),
        pytest.param(
            {AFFINITY: "cookie", BRANCHES: "legacy"},
            (HashCookie(Cookie("INGRESSCOOKIE"), of_branches=False), BY_HASH),
            id="each-branch-anew",
        ),
        pytest.param({AFFINITY: "cookie", BRANCHES: "sticky"}, (USUAL, BY_HASH), id="sticky"),
        pytest.param(
            {
                AFFINITY: "cookie",
                NAME: "c",
                MAX_AGE: "60",
                EXPIRES: "70",
                SAME_SITE: "lax",
                SECURE: "true",
                PARTITIONED: "true",
                DOMAIN: "shop.test",
            },
            (
                HashCookie(
                    Cookie(
                        "c",
                        "/",
                        timedelta(seconds=60),
                        (
                            ("Domain", "shop.test"),
                            ("SameSite", "Lax"),
                            ("Secure", ""),
                            ("Partitioned", ""),
                        ),
                    )
                ),
                BY_HASH,
            ),
            id="attributes",
        ),
        pytest.param(
            {AFFINITY: "cookie", EXPIRES: "70"},
            (HashCookie(Cookie("INGRESSCOOKIE", life=timedelta(seconds=70))), BY_HASH),
            id="expires",
        ),
        pytest.param(
            {HIGRESS + "affinity": "cookie", NAME: "c"},
            (HashCookie(Cookie("c")), BY_HASH),
            id="higress",
        ),
    ],
)
def test_affinity_is_read(annotations: dict[str, str], policies: tuple[Policy, ...]) -> None:
    assert wishes(annotations) == policies
    assert told(annotations) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((ALGORITHM, value) for value in ("ewma", "fastest", "random\x00")),
        *(
            (HASH, value)
            for value in (
                *(
                    "$request_uri$host",
                    "$cookie_a",
                    "$http_",
                    "$arg_",
                    "host",
                    "$",
                    "$1",
                    "%REQ(a)%",
                ),
                *("$http_a\r\nb", "$http_" + "a" * 200, "$server_name"),
            )
        ),
        *((AFFINITY, value) for value in ("ip", "cookies", "true")),
        (MODE, "sticky"),
        (BRANCHES, "persistent"),
        *((NAME, value) for value in ("a b", "a;b", "a=b", "é", "a\x00", "a" * 300)),
        *(
            (PATH, value)
            for value in ("a", "/a b", "/a;b", "/a,b", "/\x00", "/é", "/" + "a" * 2000)
        ),
        *((key, value) for key in (MAX_AGE, EXPIRES) for value in (*NO_NUMBERS, "31536001")),
        *((SAME_SITE, value) for value in ("Loose", "None; Secure")),
        *((key, "on") for key in (SECURE, PARTITIONED, ON_FAILURE)),
        *((DOMAIN, value) for value in ("a b", "a;b", "-a", "a\x00", "a" * 300)),
        *(
            (key, value)
            for key in (OF_SERVICE, OF_POD, REQUESTS)
            for value in (*NO_NUMBERS, "0", "1000001")
        ),
        *((WARMUP, value) for value in (*NO_NUMBERS, "0", "86401")),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_changes_nothing(key: str, value: str) -> None:
    assert wishes({key: value}) == ()
    assert told({key: value}) == [("InvalidAnnotation", key)]


@pytest.mark.parametrize("behavior", ["sticky", "legacy"])
def test_a_cookie_that_names_the_pod_chooses_no_branch_and_that_is_told(behavior: str) -> None:
    annotations = {AFFINITY: "cookie", MODE: "persistent", BRANCHES: behavior}
    assert told(annotations) == ([("NotSupported", BRANCHES)] if behavior == "sticky" else [])


@pytest.mark.parametrize("mode", ["balanced", "persistent"])
@pytest.mark.parametrize("changes", ["true", "false"])
def test_another_cookie_after_a_failure_than_the_mode_gives_is_told(
    mode: str, changes: str
) -> None:
    fits = (mode == "persistent") is (changes == "true")
    annotations = {AFFINITY: "cookie", MODE: mode, ON_FAILURE: changes}
    assert told(annotations) == ([] if fits else [("NotSupported", ON_FAILURE)])
    assert told({ON_FAILURE: changes}) == []


@pytest.mark.parametrize(
    ("key", "policy"),
    [
        (OF_SERVICE, MaxConnections(8)),
        (OF_POD, MaxConnectionsOfPod(8)),
        (REQUESTS, MaxRequestsOfConnection(8)),
        (WARMUP, Warmup(timedelta(seconds=8))),
    ],
)
def test_limits_and_warmup_are_read(key: str, policy: Policy) -> None:
    assert wishes({key: "8"}) == (policy,)


@pytest.mark.parametrize(
    ("annotations", "fields"),
    [
        pytest.param({ALGORITHM: "least_conn"}, {"lb_policy": "LEAST_REQUEST"}, id="least-conn"),
        pytest.param({ALGORITHM: "random"}, {"lb_policy": "RANDOM"}, id="random"),
        pytest.param({AFFINITY: "cookie"}, {"lb_policy": "RING_HASH"}, id="affinity"),
        pytest.param(
            {WARMUP: "9"},
            {"round_robin_lb_config": {"slow_start_config": {"slow_start_window": "9s"}}},
            id="warmup",
        ),
        pytest.param(
            {WARMUP: "9", ALGORITHM: "least_conn"},
            {
                "lb_policy": "LEAST_REQUEST",
                "least_request_lb_config": {"slow_start_config": {"slow_start_window": "9s"}},
            },
            id="warmup-of-least-conn",
        ),
        pytest.param({WARMUP: "9", HASH: "$host"}, {"lb_policy": "RING_HASH"}, id="none-of-a-hash"),
    ],
)
def test_a_service_is_balanced(annotations: dict[str, str], fields: Any) -> None:  # noqa: ANN401 (JSON)
    cluster = cluster_of(serving(annotations))
    assert {
        k: v for k, v in cluster.items() if k.startswith("lb_") or k.endswith("lb_config")
    } == fields | {"common_lb_config": cluster["common_lb_config"]}


def test_connections_are_limited() -> None:
    cluster = cluster_of(serving({OF_SERVICE: "8", OF_POD: "2", REQUESTS: "100"}))
    breakers = cluster["circuit_breakers"]
    assert breakers["thresholds"][0]["max_connections"] == 8
    assert breakers["thresholds"][0]["max_requests"] == 1_000_000_000
    assert breakers["per_host_thresholds"] == [{"max_connections": 2}]
    (options,) = cluster["typed_extension_protocol_options"].values()
    assert options["common_http_protocol_options"]["max_requests_per_connection"] == 100
    assert options["common_http_protocol_options"]["idle_timeout"] == "4s"


def test_a_session_cookie_has_a_life_of_zero() -> None:
    """Without one Envoy sets no cookie."""
    (policy,) = route_of(serving({AFFINITY: "cookie", SECURE: "true"}))["route"]["hash_policy"]
    assert policy["cookie"] == {
        "name": "INGRESSCOOKIE",
        "ttl": "0s",
        "path": "/",
        "attributes": [{"name": "Secure"}],
    }


def test_a_service_is_balanced_once_and_the_older_ingress_decides() -> None:
    old = ingress("old", host="old.test").path("/", to="shop:80").of_class("mse")
    old = old.created("2020-01-01T00:00:00Z").annotate({ALGORITHM: "least_conn"})
    world = serving({AFFINITY: "cookie"}, old)
    assert cluster_of(world)["lb_policy"] == "LEAST_REQUEST"
    assert world.problems("shop") == ["Overruled"]
