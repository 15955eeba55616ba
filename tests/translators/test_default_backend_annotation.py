"""The annotation `default-backend`: a Service stands in for those of the rules."""

import pytest

from fleet.ref import HUB
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.translation import World
from tests.translators.plans import MSE, NGINX, ingress_with, routes
from tests.translators.wishes import serving, told, wishes
from translators.dialects.boundaries import CROSS_NAMESPACE
from translators.model.backends import Backend, ServicePort
from translators.policies.errors import ErrorPages
from xds.resource import TypeUrl

KEY, ERRORS = f"{NGINX}default-backend", f"{NGINX}custom-http-errors"
CANARY = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "100"}


@pytest.mark.parametrize(
    ("annotations", "cluster"),
    [
        pytest.param({KEY: "errors"}, "s/80>errors/0", id="own-namespace"),
        pytest.param({KEY: "default/errors"}, "s/80>errors/0", id="own-namespace-named"),
        pytest.param({KEY: "ops/errors"}, "s/80>ops/errors/0", id="another-namespace"),
        pytest.param(
            {KEY: "errors", f"{NGINX}backend-protocol": "HTTPS"},
            "s/80+https>errors/0",
            id="speaks-http",
        ),
        pytest.param(
            {KEY: "errors", f"{MSE}subset-labels": "v 2"}, "s/80@v~=2>errors/0", id="whole-service"
        ),
        pytest.param(
            {KEY: "errors", f"{MSE}destination": "a.default.svc.cluster.local:1"},
            "a/1>errors/0",
            id="of-a-destination",
        ),
    ],
)
def test_a_service_stands_behind_that_of_the_rule(
    annotations: dict[str, str], cluster: str
) -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations=annotations)
    assert routes(shop) == [f"Exact /a -> {cluster}"]
    assert told(annotations) == []


@pytest.mark.parametrize(
    "value",
    ["a/b/c", "Errors", "errors:80", "a b", "/errors", "e\x00", "%REQ(a)%", "x" * 64, "a.b"],
)
def test_a_value_that_names_no_service_is_told_and_changes_nothing(value: str) -> None:
    shop = ingress_with("shop", "Exact /a to s:80", annotations={KEY: value})
    assert routes(shop) == ["Exact /a -> s/80"]
    assert told({KEY: value}) == [("InvalidAnnotation", KEY)]


def test_a_canary_has_the_one_of_its_main() -> None:
    main = ingress_with("main", "Exact /a to old:80", annotations={KEY: "errors"})
    canary = ingress_with("canary", "Exact /a to new:80", annotations={**CANARY, KEY: "others"})
    assert routes(main, canary) == ["Exact /a -> new/80>old/80>errors/0"]


def world(*, errors: bool, cross_namespace: str = "allow") -> World:
    """Serve a Service that is missing, with `ops/errors` behind it."""
    made = World()
    made.attach(HUB, "c1")
    shop = ingress("shop", host="shop.test").path("/", to="shop:80").of_class("mse")
    gateway = mse_gateway("gw", members=["c1"])
    boundary = {CROSS_NAMESPACE: cross_namespace}
    made.put(gateway.annotate(boundary).manifest, shop.annotate({KEY: "ops/errors"}).manifest)
    if errors:
        pods = slice_of("errors", addresses=["10.0.0.9"], port_name="web").in_namespace("ops")
        ports = service("errors", ports={"web": 8080, "admin": 9090}).in_namespace("ops")
        made.put(ports.manifest, pods.manifest, origin="c1")
    return made


@pytest.mark.parametrize(
    ("value", "statuses"),
    [
        pytest.param("503", (503,), id="one"),
        pytest.param(" 503, 404 ,,404", (404, 503), id="list"),
        pytest.param(",".join(map(str, range(500, 532))), tuple(range(500, 532)), id="most"),
    ],
)
def test_statuses_are_read(value: str, statuses: tuple[int, ...]) -> None:
    errors = Backend("default", "errors", ServicePort())
    assert wishes({KEY: "errors", ERRORS: value}) == (ErrorPages(statuses, errors),)


@pytest.mark.parametrize(
    "value",
    ["200", "600", "503;404", "5xx", "503 404", "50\x003", ",".join(map(str, range(400, 433)))],
)
def test_statuses_that_cannot_be_used_are_told_and_change_nothing(value: str) -> None:
    assert wishes({KEY: "errors", ERRORS: value}) == ()
    assert told({KEY: "errors", ERRORS: value}) == [("InvalidAnnotation", ERRORS)]


def test_statuses_without_a_default_backend_are_told() -> None:
    assert wishes({ERRORS: "503"}) == ()
    assert told({ERRORS: "503"}) == [("NotSupported", ERRORS)]


def test_the_table_of_error_pages_is_there_while_a_route_needs_it() -> None:
    made = serving({KEY: "errors", ERRORS: "503"})
    table = (TypeUrl.SCOPED_ROUTE, "inner|default/errors/0")
    assert table in made.snapshots["mse/gw"]
    assert "default/errors/0" in made.names(TypeUrl.CLUSTER)
    shop = ingress("shop", host="shop.test").path("/", to="shop:80").of_class("mse")
    made.put(shop.manifest)
    assert table not in made.snapshots["mse/gw"]


def test_its_first_port_is_asked() -> None:
    made = world(errors=True)
    assert "ops/errors/0" in made.names(TypeUrl.CLUSTER)
    assert b"10.0.0.9" in made.snapshots["mse/gw"][TypeUrl.ENDPOINT, "ops/errors/0"].body
    assert made.problems("shop") == ["ForeignService", "ServiceNotFound"]


def test_one_that_is_missing_is_told() -> None:
    found = world(errors=False).problems("shop")
    assert found == ["ForeignService", "ServiceNotFound", "ServiceNotFound"]


def test_a_gateway_that_forbids_other_namespaces_takes_it_from_the_rule() -> None:
    made = world(errors=True, cross_namespace="deny")
    assert made.names(TypeUrl.CLUSTER) == ["default/shop/80"]
    assert "CrossNamespace" in made.problems("shop")


@pytest.mark.parametrize(("value", "replaced"), [("true", False), ("false", True), ("x", True)])
def test_answers_of_backends_can_be_left_as_they_are(value: str, replaced: bool) -> None:
    key = f"{NGINX}disable-proxy-intercept-errors"
    annotations = {KEY: "errors", ERRORS: "503", key: value}
    errors = Backend("default", "errors", ServicePort())
    assert wishes(annotations) == ((ErrorPages((503,), errors),) if replaced else ())
    assert told(annotations) == ([("InvalidAnnotation", key)] if value == "x" else [])
    assert wishes({key: value}) == ()
