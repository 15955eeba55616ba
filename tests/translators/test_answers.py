"""`proxy-redirect-*` and `proxy-cookie-*`: what is changed in answers, and what cannot be read."""

from typing import Any

import pytest

from tests.support.builders import ingress, mse_gateway
from tests.support.translation import World
from tests.translators.plans import NGINX, ingress_with, plan, problems
from translators.dialects.edge_settings import TRUSTED_PROXIES
from translators.envoy.routes import encode_route
from translators.policies.answers import AnswerChanges
from translators.policies.policy import route_parts
from xds.readable import readable
from xds.resource import TypeUrl

ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"
FROM, TO = f"{NGINX}proxy-redirect-from", f"{NGINX}proxy-redirect-to"
DOMAIN, PATH = f"{NGINX}proxy-cookie-domain", f"{NGINX}proxy-cookie-path"


@pytest.mark.parametrize(
    ("annotations", "changes"),
    [
        pytest.param({FROM: "/a", TO: "/b"}, AnswerChanges(url=("/a", "/b")), id="url"),
        pytest.param(
            {DOMAIN: "a.test  b.test"}, AnswerChanges(domain=("a.test", "b.test")), id="dom"
        ),
        pytest.param({PATH: "/a /"}, AnswerChanges(path=("/a", "/")), id="path"),
        pytest.param({PATH: "off", DOMAIN: "off", FROM: "off"}, None, id="off"),
        pytest.param({FROM: "off", TO: "off"}, None, id="both-off"),
        pytest.param({TO: "/b"}, None, id="nothing-to-replace"),
    ],
)
def test_changes_of_answers(annotations: dict[str, str], changes: AnswerChanges | None) -> None:
    made = ingress_with("web", "Prefix /a to web:80", annotations=annotations)
    (rule,) = plan(made).rules
    assert rule.policies == ((changes,) if changes else ())
    assert problems(made) == []


@pytest.mark.parametrize(
    ("annotations", "key"),
    [
        pytest.param({FROM: "default", TO: "/"}, FROM, id="default-of-nginx"),
        pytest.param({FROM: "~^/a", TO: "/"}, FROM, id="pattern"),
        pytest.param({FROM: "/a", TO: "$scheme://$host/"}, TO, id="variable"),
        pytest.param({FROM: "/a"}, FROM, id="nothing-in-its-place"),
        pytest.param({FROM: "/a b", TO: "/"}, FROM, id="blank"),
        pytest.param({FROM: "/a", TO: "/\r\nx: y"}, TO, id="header-injection"),
        pytest.param({DOMAIN: "a.test"}, DOMAIN, id="one-word"),
        pytest.param({DOMAIN: "~a b.test"}, DOMAIN, id="pattern-of-domains"),
        pytest.param({PATH: "/a /;HttpOnly"}, PATH, id="attribute-injection"),
        pytest.param({PATH: "/a /b /c"}, PATH, id="three-words"),
        pytest.param({PATH: f"/a /{'a' * 2000}"}, PATH, id="huge"),
        pytest.param({PATH: "/a /é"}, PATH, id="not-ascii"),
    ],
)
def test_what_cannot_be_read_is_told(annotations: dict[str, str], key: str) -> None:
    made = ingress_with("web", "Prefix /a to web:80", annotations=annotations)
    assert [problem.key for problem in problems(made)] == [key]
    (rule,) = plan(made).rules
    assert rule.policies == ()


def test_a_route_names_the_shared_source() -> None:
    made = ingress_with("web", "Prefix /a to web:80", annotations={PATH: "/a /"})
    (rule,) = plan(made).rules
    route: Any = readable(ROUTE, encode_route(rule, route_parts(rule.policies)))
    (config,) = route["typed_per_filter_config"].values()
    assert config["name"] == "answer"
    assert config["filter_context"] == {"path": "/a", "new_path": "/"}
    assert "source_code" not in config


def test_a_redirect_of_the_gateway_is_left_alone() -> None:
    world = World()
    world.attach("one")
    annotations = {FROM: "https://web.test/", TO: "/", f"{NGINX}ssl-redirect": "true"}
    web = ingress("web", host="web.test").path("/", to="web:80").of_class("mse")
    gateway = mse_gateway("gw", members=["one"]).annotate({TRUSTED_PROXIES: "10.0.0.0/8"})
    world.put(gateway.manifest, web.annotate(annotations).manifest)
    key = TypeUrl.SCOPED_ROUTE, "mse|web.test"
    table: Any = readable(TypeUrl.SCOPED_ROUTE, world.snapshots["mse/gw"][key].body)
    routes = table["route_configuration"]["virtual_hosts"][0]["routes"]
    assert [next(iter(r.keys() & {"redirect", "route"}), "") for r in routes[:2]] == [
        "redirect",
        "route",
    ]
    assert ["typed_per_filter_config" in route for route in routes[:2]] == [False, True]
