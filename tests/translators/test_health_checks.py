"""Active health checks of ALB Ingresses: what Envoy asks the Pods of a Service."""

from typing import Any

import pytest

from fleet.ref import HUB
from tests.support.builders import alb_class, alb_gateway, ingress, service, slice_of
from tests.support.translation import World
from tests.translators.alb_rules import ALB, WEB, read, told
from translators.model.health_checks import HealthCheck
from translators.policies.health_checks import HealthChecks
from xds.readable import readable
from xds.resource import Resource, TypeUrl

ON = {"healthcheck-enabled": "true"}


def world(annotations: dict[str, str]) -> World:
    """Make a fleet with an Ingress, a Service with health checks and one Pod."""
    made = World()
    made.attach(HUB, "one")
    made.put(alb_gateway(members=("one",)).manifest, alb_class().manifest)
    made.put(WEB.annotate({ALB + key: value for key, value in annotations.items()}).manifest)
    pods = slice_of("web", addresses=["10.0.0.1"])
    made.put(service("web").manifest, pods.manifest, origin="one")
    return made


def resource(of: World, type_url: TypeUrl) -> Any:  # noqa: ANN401 (JSON)
    """Return the only resource of a type."""
    (name,) = of.names(type_url, "alb/gw")
    return readable(type_url.value, of.snapshots["alb/gw"][type_url, name].body)


def cluster(annotations: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    return resource(world(ON | annotations), TypeUrl.CLUSTER)


def check(annotations: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    (one,) = cluster(annotations)["health_checks"]
    return one


def test_the_defaults_are_those_of_the_documents() -> None:
    made = cluster({})
    assert made["ignore_health_on_host_removal"] is True
    assert made["health_checks"] == [
        {
            "timeout": "5s",
            "interval": "2s",
            "unhealthy_threshold": 3,
            "healthy_threshold": 3,
            "no_traffic_interval": "2s",
            "http_health_check": {
                "host": "web.default",
                "path": "/",
                "method": "HEAD",
                "expected_statuses": [{"start": "200", "end": "300"}],
            },
        }
    ]


def checks_of(assignment: Resource) -> list[Any]:  # JSON
    """Return what an assignment says about the checks of each endpoint."""
    shown: Any = readable(TypeUrl.ENDPOINT, assignment.body)
    return [
        endpoint["endpoint"].get("health_check_config")
        for locality in shown["endpoints"]
        for endpoint in locality["lb_endpoints"]
    ]


@pytest.mark.parametrize(
    ("port", "then"),
    [
        pytest.param("0", {}, id="the-port-of-requests"),
        pytest.param("9090", {"port_value": 9090}, id="a-port-of-its-own"),
    ],
)
def test_the_prelude_of_checked_pods_has_no_checks(port: str, then: dict[str, int]) -> None:
    made = world(ON | {"healthcheck-connect-port": port})
    (name,) = made.names(TypeUrl.ENDPOINT, "alb/gw")
    found = made.snapshots["alb/gw"][TypeUrl.ENDPOINT, name]
    assert checks_of(found) == [then or None]
    assert found.prelude is not None
    assert found.prelude.name == found.name
    assert found.prelude.version != found.version
    assert checks_of(found.prelude) == [{"disable_active_health_check": True, **then}]


def test_pods_that_are_not_checked_have_no_prelude() -> None:
    made = world({})
    (name,) = made.names(TypeUrl.ENDPOINT, "alb/gw")
    assert made.snapshots["alb/gw"][TypeUrl.ENDPOINT, name].prelude is None


@pytest.mark.parametrize("value", ["false", "", "treu"])
def test_without_the_switch_there_is_no_check(value: str) -> None:
    made = resource(
        world({"healthcheck-enabled": value, "healthcheck-path": "/up"}), TypeUrl.CLUSTER
    )
    assert "health_checks" not in made
    assert "ignore_health_on_host_removal" not in made


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("healthcheck-timeout-seconds", "300", "timeout", "300s"),
        ("healthcheck-interval-seconds", "50", "interval", "50s"),
        ("healthy-threshold-count", "2", "healthy_threshold", 2),
        ("unhealthy-threshold-count", "10", "unhealthy_threshold", 10),
    ],
)
def test_a_number_sets_its_field(key: str, value: str, field: str, expected: object) -> None:
    assert check({key: value})[field] == expected


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("healthcheck-path", "/up?x=1", "path", "/up?x=1"),
        ("healthcheck-method", "get", "method", "GET"),
        (
            "healthcheck-httpcode",
            "http_3xx, HTTP_2xx",
            "expected_statuses",
            [{"start": "200", "end": "300"}, {"start": "300", "end": "400"}],
        ),
        (
            "healthcheck-code",
            "http_5xx",
            "expected_statuses",
            [{"start": "500", "end": "600"}],
        ),
    ],
)
def test_a_text_sets_its_field(key: str, value: str, field: str, expected: object) -> None:
    assert (
        check({"healthcheck-httpcode": "http_4xx", key: value})["http_health_check"][field]
        == expected
    )


@pytest.mark.parametrize(
    ("protocol", "backends", "checker", "matches"),
    [
        pytest.param("tcp", "http", "tcp_health_check", [], id="tcp"),
        pytest.param("GRPC", "grpc", "grpc_health_check", [], id="grpc"),
        pytest.param("GRPC", "http", "tcp_health_check", [], id="grpc-of-http"),
        pytest.param("HTTP", "https", "http_health_check", ["raw_buffer"], id="http-of-https"),
        pytest.param("HTTPS", "http", "http_health_check", ["tls"], id="https-of-http"),
        pytest.param("HTTPS", "https", "http_health_check", [], id="https-of-https"),
        pytest.param("TCP", "https", "tcp_health_check", [], id="tcp-of-https"),
    ],
)
def test_the_protocol_of_a_check(
    protocol: str, backends: str, checker: str, matches: list[str]
) -> None:
    made = cluster({"healthcheck-protocol": protocol, "backend-protocol": backends})
    (one,) = made["health_checks"]
    assert checker in one
    sockets = [
        each["transport_socket"]["name"] for each in made.get("transport_socket_matches", ())
    ]
    assert sockets == [f"envoy.transport_sockets.{name}" for name in matches]
    assert ("transport_socket_match_criteria" in one) is bool(matches)


def test_http2_backends_are_asked_by_http2() -> None:
    asked = check({"backend-protocol": "grpc"})["http_health_check"]
    assert asked["codec_client_type"] == "HTTP2"


@pytest.mark.parametrize(("port", "expected"), [("8081", {"port_value": 8081}), ("0", None)])
def test_a_port_of_its_own_stands_at_each_endpoint(port: str, expected: object) -> None:
    found = resource(world(ON | {"healthcheck-connect-port": port}), TypeUrl.ENDPOINT)
    ((endpoint,),) = (each["lb_endpoints"] for each in found["endpoints"])
    at = endpoint["endpoint"]
    assert at["address"]["socket_address"] == {"address": "10.0.0.1", "port_value": 8080}
    assert at.get("health_check_config") == expected


@pytest.mark.parametrize(
    ("key", "value", "effect"),
    [
        ("healthcheck-timeout-seconds", "0", "5 holds"),
        ("healthcheck-timeout-seconds", "301", "5 holds"),
        ("healthcheck-interval-seconds", "51", "2 holds"),
        ("healthcheck-interval-seconds", "2s", "2 holds"),
        ("healthy-threshold-count", "1", "3 holds"),
        ("unhealthy-threshold-count", "11", "3 holds"),
        ("healthcheck-connect-port", "65536", "0 holds"),
        ("healthcheck-protocol", "UDP", "HTTP holds"),
        ("healthcheck-method", "PUT", "HEAD holds"),
        ("healthcheck-path", "up", "/ holds"),
        ("healthcheck-path", "/a b", "/ holds"),
        ("healthcheck-code", "200", "http_2xx holds"),
        ("healthcheck-httpcode", ",", "http_2xx holds"),
    ],
)
def test_a_setting_that_cannot_be_used_has_its_default(key: str, value: str, effect: str) -> None:
    rules = read(WEB, {**ON, key: value})
    assert told(rules) == [("InvalidAnnotation", key, effect)]
    assert [each.policy for each in rules.policies] == [HealthChecks(HealthCheck())]


def test_an_ingress_with_weights_has_the_pods_asked_once_more() -> None:
    """Such an Ingress divides requests in its own way, so it has a Cluster of its own."""
    made = world(ON)
    for number in (1, 2):
        spelt = {ALB + "cluster-weight.one": "100"}
        other = ingress(f"weighted{number}", host=f"w{number}.test").path("/", to="web:80")
        made.put(other.of_class("alb").annotate(spelt).manifest)
    shown = [
        readable(TypeUrl.CLUSTER, made.snapshots["alb/gw"][TypeUrl.CLUSTER, name].body)
        for name in made.names(TypeUrl.CLUSTER, "alb/gw")
    ]
    assert ["health_checks" in cluster for cluster in shown] == [True] * 3
