"""The annotations of mirrors: a Service gets copies of requests."""

from typing import Any

import pytest

from tests.translators.plans import MSE, NGINX
from tests.translators.wishes import NO_NUMBERS, route_of, serving, told, wishes
from translators.model.backends import Backend, BackendProtocol, ServicePort
from translators.policies.mirror import Mirror
from xds.resource import TypeUrl

SERVICE, PERCENTAGE = f"{MSE}mirror-target-service", f"{MSE}mirror-percentage"
TARGET, HOST, BODY = (f"{NGINX}mirror-{name}" for name in ("target", "host", "request-body"))
URL = "http://copy.ops.svc.cluster.local"
COPY = Backend("default", "copy", ServicePort())
IN_OPS = Backend("ops", "copy", ServicePort(80))


@pytest.mark.parametrize(
    ("annotations", "mirror"),
    [
        pytest.param({SERVICE: "copy"}, Mirror(COPY), id="first-port"),
        pytest.param(
            {SERVICE: "copy:8080"}, Mirror(COPY._replace(port=ServicePort(8080))), id="port"
        ),
        pytest.param(
            {SERVICE: "copy:web"}, Mirror(COPY._replace(port=ServicePort(name="web"))), id="named"
        ),
        pytest.param({SERVICE: "ops/copy:80"}, Mirror(IN_OPS), id="namespace"),
        pytest.param({SERVICE: "copy", PERCENTAGE: "0"}, Mirror(COPY, 0), id="none"),
        pytest.param({SERVICE: "copy", PERCENTAGE: "30"}, Mirror(COPY, 30), id="share"),
        pytest.param({TARGET: URL}, Mirror(IN_OPS), id="url"),
        pytest.param({TARGET: f"{URL}/$request_uri"}, Mirror(IN_OPS), id="url-with-path"),
        pytest.param({TARGET: f"{URL}$request_uri"}, Mirror(IN_OPS), id="url-with-path-behind"),
        pytest.param(
            {TARGET: "https://copy.ops.svc:8443"},
            Mirror(IN_OPS._replace(port=ServicePort(8443), protocol=BackendProtocol.HTTPS)),
            id="https",
        ),
        pytest.param(
            {TARGET: URL, HOST: "b.test:80"}, Mirror(IN_OPS, called="b.test:80"), id="host"
        ),
        pytest.param({SERVICE: "copy", TARGET: URL, BODY: "on"}, Mirror(COPY), id="service-first"),
    ],
)
def test_mirrors_are_read(annotations: dict[str, str], mirror: Mirror) -> None:
    assert wishes(annotations) == (mirror,)
    assert told(annotations) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            (SERVICE, value)
            for value in ("a/b/c", "Copy", "copy:0", "copy:65536", "copy:", "c\x00", "%REQ(a)%")
        ),
        *(
            (TARGET, value)
            for value in (
                *("http://test.env.com/$request_uri", "copy.ops.svc", "ftp://copy.ops.svc"),
                *(f"{URL}/other", f"{URL}:0", f"{URL}:65536", "http://a@copy.ops.svc", "http://"),
            )
        ),
        *((PERCENTAGE, value) for value in (*NO_NUMBERS, "101")),
        *((HOST, value) for value in ("a b", "a\r\nb", "%REQ(a)%", "a" * 300, "-")),
        (BODY, "true"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_changes_nothing(key: str, value: str) -> None:
    assert wishes({key: value}) == ()
    assert told({key: value}) == [("InvalidAnnotation", key)]


def test_copies_without_a_body_are_told() -> None:
    assert told({SERVICE: "copy", BODY: "off"}) == [("NotSupported", BODY)]


def test_a_route_has_its_mirror_and_the_service_is_no_backend_of_the_ingress() -> None:
    world = serving({SERVICE: "copy:80", PERCENTAGE: "30", f"{NGINX}load-balance": "random"})
    (mirror,) = route_of(world)["route"]["request_mirror_policies"]
    assert mirror == {
        "cluster": "default/copy/80",
        "runtime_fraction": {"default_value": {"numerator": 30}},
        "disable_shadow_host_suffix_append": True,
    }
    copy: Any = world.snapshots["mse/gw"][TypeUrl.CLUSTER, "default/copy/80"].body
    shop: Any = world.snapshots["mse/gw"][TypeUrl.CLUSTER, "default/shop/80"].body
    assert len(copy) != len(shop)  # no balancing
    assert world.problems("shop") == ["ServiceNotFound"]
