"""The annotation `backend-protocol` sets the protocol of an Ingress's backends."""

from typing import Any

import pytest

from fleet.ref import HUB
from tests.support.builders import ingress, mse_gateway, service
from tests.support.translation import World
from tests.translators.plans import MSE, NGINX, ingress_with, problems, routes
from tests.translators.wishes import cluster_of
from xds.resource import TypeUrl

KEY = NGINX + "backend-protocol"
CANARY = {NGINX + "canary": "true", NGINX + "canary-weight": "100"}


@pytest.mark.parametrize(
    ("value", "cluster"),
    [
        pytest.param("HTTP", "s/80+http", id="http"),
        pytest.param("HTTP2", "s/80+h2c", id="http-2"),
        pytest.param("GRPC", "s/80+h2c", id="grpc"),
        pytest.param("HTTPS", "s/80+https", id="https"),
        pytest.param("GRPCS", "s/80+h2", id="grpcs"),
        pytest.param("gRPCs", "s/80+h2", id="any-case"),
        pytest.param("FCGI", "s/80", id="another"),
        pytest.param("", "s/80", id="empty"),
    ],
)
def test_a_backend_is_asked_by_what_it_speaks(value: str, cluster: str) -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations={KEY: value})
    assert routes(shop) == [f"Exact /a -> {cluster}"]


def test_another_protocol_is_a_problem() -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations={KEY: "FCGI"})
    (problem,) = problems(shop)
    assert (problem.reason, problem.key, problem.value) == ("InvalidAnnotation", KEY, "FCGI")
    assert problem.expected == "HTTP, HTTP2, GRPC, HTTPS or GRPCS"
    assert problem.effect == "backends are asked as their Service says, or by HTTP"


def test_two_ingresses_ask_one_service_port_each_in_its_own_way() -> None:
    web = ingress_with("web", "Prefix / to argocd-server:80")
    grpc = ingress_with("grpc", "Prefix /repo to argocd-server:80", annotations={KEY: "GRPC"})
    assert routes(web, grpc) == [
        "Prefix /repo -> argocd-server/80+h2c",
        "Prefix / -> argocd-server/80",
    ]


def test_destinations_and_subsets_are_asked_so_too() -> None:
    annotations = {
        KEY: "HTTPS",
        MSE + "destination": "a.default.svc.cluster.local:80",
        MSE + "subset-labels": "v 2",
    }
    shop = ingress_with("shop", "Exact /a to s:80", annotations=annotations)
    assert routes(shop) == ["Exact /a -> a/80+https@v~=2"]


@pytest.mark.parametrize(
    ("own", "cluster"),
    [({}, "new/80+h2c>old/80+h2c"), ({KEY: "HTTPS"}, "new/80+https>old/80+h2c")],
    ids=["as-the-main", "its-own"],
)
def test_a_canary_speaks_as_its_main_unless_it_says_so(own: dict[str, str], cluster: str) -> None:
    main = ingress_with("main", "Exact /a to old:80", annotations={KEY: "GRPC"})
    canary = ingress_with("canary", "Exact /a to new:80", annotations={**CANARY, **own})
    assert routes(main, canary) == [f"Exact /a -> {cluster}"]


def asked(*said: str, annotations: dict[str, str] | None = None) -> str:
    """Return how Pods are asked if the Services of the members say this by `appProtocol`."""
    members = [f"c{number}" for number in range(len(said))]
    world = World()
    world.attach(HUB, *members)
    shop = ingress("shop", host="shop.test").path("/", to="shop:80").of_class("mse")
    gateway = mse_gateway("gw", members=members)
    world.put(gateway.manifest, shop.annotate(annotations or {}).manifest)
    for member, protocol in zip(members, said, strict=True):
        port = {"name": "web", "port": 80, **({"appProtocol": protocol} if protocol else {})}
        world.put(service("shop").with_spec(ports=[port]).manifest, origin=member)
    (name,) = world.names(TypeUrl.CLUSTER)
    cluster = cluster_of(world, name)
    (options,) = cluster["typed_extension_protocol_options"].values()
    by = "http/2" if "http2_protocol_options" in options["explicit_http_config"] else "http/1.1"
    return by + (" over tls" if "transport_socket" in cluster else "")


@pytest.mark.parametrize(
    ("protocol", "way"),
    [
        pytest.param("", "http/1.1", id="none"),
        pytest.param("http", "http/1.1", id="http"),
        pytest.param("https", "http/1.1 over tls", id="https"),
        pytest.param("HTTPS", "http/1.1 over tls", id="capitals"),
        pytest.param("grpc", "http/2", id="grpc"),
        pytest.param("kubernetes.io/h2c", "http/2", id="h2c"),
        pytest.param("kubernetes.io/ws", "http/1.1", id="websocket"),
        pytest.param("example.com/own", "http/1.1", id="made-up"),
    ],
)
def test_a_port_says_what_its_pods_speak(protocol: str, way: str) -> None:
    assert asked(protocol) == way


@pytest.mark.parametrize("annotation", ["HTTP", "HTTPS"])
def test_the_annotation_counts_before_the_port(annotation: str) -> None:
    way = {"HTTP": "http/1.1", "HTTPS": "http/1.1 over tls"}[annotation]
    assert asked("grpc", annotations={KEY: annotation}) == way


def test_the_first_member_that_says_it_counts() -> None:
    assert asked("", "grpc", "https") == "http/2"


def test_a_protocol_that_changes_is_a_change_of_one_cluster() -> None:
    world = World()
    world.attach(HUB, "c1")
    shop = ingress("shop", host="shop.test").path("/", to="shop:80").of_class("mse")
    world.put(mse_gateway("gw", members=["c1"]).manifest, shop.manifest)
    world.put(service("shop").manifest, origin="c1")
    port: Any = {"port": 80, "appProtocol": "grpc"}
    world.put(service("shop").with_spec(ports=[port]).manifest, origin="c1")
    assert world.sent == 1
