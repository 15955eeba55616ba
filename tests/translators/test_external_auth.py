"""The annotations `auth-url`, `auth-signin` and the like, and the Services that they name."""

from typing import Any

import pytest

from fleet.models import Ingress
from fleet.ref import HUB, Ref
from tests.support.builders import ingress, mse_gateway, service, slice_of
from tests.support.translation import World
from tests.translators.plans import NGINX, ingress_with, plan, problems
from tests.translators.policies import filters_of, route_of
from translators.dialects.annotations.closed import CLOSED
from translators.model.backends import Backend, BackendProtocol, Outside, ServicePort, Target
from translators.policies.external_auth import ExternalAuth
from xds.resource import TypeUrl

URL = f"{NGINX}auth-url"
AUTH = {URL: "http://auth.tools.svc.cluster.local/check"}
OUTSIDE = {"auth-url": "http://auth.example.com/"}
OWN = {"auth-url": "http://$host/"}
CLOSES = "its paths are answered with 503"


def shop(annotations: dict[str, str], host: str = "example.com") -> Ingress:
    return ingress_with("shop", "Exact /a to s:80", annotations=annotations, host=host)


def asked(annotations: dict[str, str], host: str = "example.com") -> ExternalAuth:
    (rule,) = plan(shop(annotations, host), host=host).rules
    assert rule.restricted
    (policy,) = [each for each in rule.policies if isinstance(each, ExternalAuth)]
    return policy


def told(annotations: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(p.reason, p.key.partition("/")[2], p.effect) for p in problems(shop(annotations))]


def spelt(more: dict[str, str]) -> dict[str, str]:
    return {**AUTH, **{NGINX + key: value for key, value in more.items()}}


def of_fleet(port: int, protocol: BackendProtocol = BackendProtocol.AUTH) -> Target:
    return Target((Backend("tools", "auth", ServicePort(port), protocol=protocol),))


IN_FLEET = "auth.tools.svc.cluster.local"


@pytest.mark.parametrize(
    ("url", "service", "authority", "path"),
    [
        pytest.param(f"http://{IN_FLEET}/check", of_fleet(80), IN_FLEET, "/check", id="service"),
        pytest.param("http://auth.tools.svc:81", of_fleet(81), "auth.tools.svc", "/", id="short"),
        pytest.param(
            f"https://{IN_FLEET}?a=1&b",
            of_fleet(443, BackendProtocol.AUTH_TLS),
            IN_FLEET,
            "/?a=1&b",
            id="tls-and-query",
        ),
        pytest.param(
            "https://auth.example.com/v/%2F",
            Outside("auth.example.com", 443, tls=True),
            "auth.example.com",
            "/v/%2F",
            id="outside",
        ),
        pytest.param(
            "http://10.1.2.3:8080/",
            Outside("10.1.2.3", 8080, tls=False),
            "10.1.2.3",
            "/",
            id="ipv4",
        ),
        pytest.param(
            "http://[fd00::1]/", Outside("fd00::1", 80, tls=False), "[fd00::1]", "/", id="ipv6"
        ),
        pytest.param(
            "https://$host/oauth2/auth",
            Outside("example.com", 443, tls=True),
            "example.com",
            "/oauth2/auth",
            id="own-host",
        ),
    ],
)
def test_a_url_names_a_service(
    url: str, service: Target | Outside, authority: str, path: str
) -> None:
    policy = asked({URL: url})
    assert (policy.service, policy.authority, policy.path) == (service, authority, path)
    assert told({URL: url}) == []


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("auth.tools.svc/check", id="no-scheme"),
        pytest.param("ftp://auth.example.com/", id="other-scheme"),
        pytest.param("http://", id="no-host"),
        pytest.param("http://user:word@auth.example.com/", id="user"),
        pytest.param("http://Auth.example.com/", id="capitals"),
        pytest.param("http://auth_1.example.com/", id="underscore"),
        pytest.param("http://auth.example.com:0/", id="port-0"),
        pytest.param("http://auth.example.com:65536/", id="port-too-high"),
        pytest.param("http://auth.example.com/a b", id="blank"),
        pytest.param("http://auth.example.com/a\nb", id="newline"),
        pytest.param("http://auth.example.com/\x00", id="control-character"),
        pytest.param("http://auth.example.com/#a", id="fragment"),
        pytest.param("http://auth.example.com/$request_uri", id="variable-in-the-path"),
        pytest.param("http://$server_name/", id="other-variable"),
        pytest.param("http://a.$host/", id="variable-as-a-part"),
        pytest.param("http://127.0.0.1:9901/quitquitquit", id="loopback"),
        pytest.param("http://[::1]/", id="loopback-of-ipv6"),
        pytest.param("http://169.254.169.254/latest", id="metadata"),
        pytest.param("http://[::ffff:127.0.0.1]/", id="embedded"),
        pytest.param("http://2130706433/", id="number"),
        pytest.param("http://127.1/", id="short-address"),
        pytest.param("http://[::1/", id="half-a-bracket"),
        pytest.param(f"http://{'a.' * 200}a/", id="long-name"),
        pytest.param("http://auth.example.com/" + "a" * 3000, id="huge"),
    ],
)
def test_a_url_that_cannot_be_asked_closes_the_paths(url: str) -> None:
    (rule,) = plan(shop({URL: url})).rules
    assert (rule.action, rule.restricted) == (CLOSED, True)
    assert told({URL: url}) == [("InvalidAnnotation", "auth-url", CLOSES)]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        pytest.param({"auth-method": "get"}, "auth-method", id="method"),
        pytest.param({"auth-method": "CONNECT"}, "auth-method", id="connect"),
        pytest.param({"auth-method": "POST", **OUTSIDE}, "auth-method", id="post-to-outside"),
        pytest.param({"auth-method": "POST", **OWN}, "auth-method", id="post-to-its-own-host"),
        pytest.param({"auth-response-headers": "X-A X-B"}, "auth-response-headers", id="blank"),
        pytest.param({"auth-response-headers": "X-A,X_B"}, "auth-response-headers", id="_"),
        pytest.param({"auth-response-headers": "X%A"}, "auth-response-headers", id="percent"),
        pytest.param({"auth-response-headers": ","}, "auth-response-headers", id="none"),
        pytest.param({"auth-response-headers": "Host"}, "auth-response-headers", id="host"),
        pytest.param({"auth-response-headers": "x-fg-auth"}, "auth-response-headers", id="ours"),
        pytest.param({"auth-response-headers": "x-envoy-x"}, "auth-response-headers", id="envoy"),
        pytest.param(
            {"auth-response-headers": ",".join(f"x-{n}" for n in range(33))},
            "auth-response-headers",
            id="many",
        ),
    ],
)
def test_what_cannot_be_read_closes_the_paths(more: dict[str, str], key: str) -> None:
    (rule,) = plan(shop(spelt(more))).rules
    assert rule.action == CLOSED
    assert told(spelt(more)) == [("InvalidAnnotation", key, CLOSES)]


@pytest.mark.parametrize(
    ("key", "value"),
    [("auth-method", "POST"), ("auth-response-headers", "X-A"), ("auth-signin", "https://a.test")],
)
def test_a_part_without_a_url_closes_the_paths(key: str, value: str) -> None:
    (rule,) = plan(shop({NGINX + key: value})).rules
    assert rule.action == CLOSED
    assert told({NGINX + key: value}) == [("NoAuthURL", key, CLOSES)]


@pytest.mark.parametrize("host", ["*.shop.test", ""])
def test_without_a_host_of_its_own_a_rule_is_closed(host: str) -> None:
    made = shop({URL: "https://$host/auth"}, host)
    (rule,) = plan(made, host=host).rules
    assert (rule.action, rule.policies) == (CLOSED, ())
    (problem,) = problems(made)
    assert (problem.reason, problem.key) == ("NoAuthHost", URL)


BACK = "$pass_access_scheme://$http_host$escaped_request_uri"


@pytest.mark.parametrize(
    ("more", "page"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"auth-signin": "https://a.test"}, f"https://a.test?rd={BACK}", id="bare"),
        pytest.param(
            {"auth-signin": "https://a.test/?b=1"}, f"https://a.test/?b=1&rd={BACK}", id="query"
        ),
        pytest.param(
            {"auth-signin": "https://a.test/?rd=/"}, "https://a.test/?rd=/", id="own-parameter"
        ),
        pytest.param(
            {"auth-signin": "https://$host/?rd=/", "auth-signin-redirect-param": "to"},
            f"https://$host/?rd=/&to={BACK}",
            id="other-parameter",
        ),
    ],
)
def test_a_sign_in_page(more: dict[str, str], page: str) -> None:
    assert asked(spelt(more)).sign_in == page
    assert told(spelt(more)) == []


@pytest.mark.parametrize(
    ("more", "effect"),
    [
        *(
            pytest.param({"auth-signin": text}, "the client gets the 401", id=name)
            for name, text in {
                "path": "/start",
                "script": "javascript:alert(1)",
                "variable": "https://a.test/$server_port",
                "dollar": "https://a.test/$",
                "blank": "https://a.test/ b",
                "newline": "https://a.test/\r\nset-cookie:a=1",
                "quote": 'https://a.test/"',
                "huge": "https://a.test/" + "a" * 3000,
            }.items()
        ),
        pytest.param(
            {"auth-signin": "https://a.test", "auth-signin-redirect-param": "a&b"},
            "it is rd",
            id="parameter",
        ),
        pytest.param({"auth-always-set-cookie": "yes"}, "they are not", id="cookies"),
        pytest.param(
            {"auth-request-redirect": "https://$server_name"},
            "it is the path of the request",
            id="back",
        ),
    ],
)
def test_what_keeps_nobody_out_is_ignored_alone(more: dict[str, str], effect: str) -> None:
    key = next(reversed(more))
    assert told(spelt(more)) == [("InvalidAnnotation", key, effect)]
    policy = asked(spelt(more))
    assert (policy.cookies, policy.back) == (False, "%REQ(:PATH)%")


def test_a_text_for_the_service_is_no_format_of_envoy() -> None:
    policy = asked(spelt({"auth-request-redirect": "$scheme://$http_host/100%REQ(x)%"}))
    proto, host = "%REQ(X-FORWARDED-PROTO)%", "%REQ(:AUTHORITY)%"
    assert policy.back == f"{proto}://{host}/100%%REQ(x)%%"


def chain(annotations: dict[str, str]) -> list[Any]:
    (rule,) = plan(shop(annotations)).rules
    access = filters_of(rule)["fleetgate.access"]
    action = access["matcher"]["on_no_match"]["action"]["typed_config"]
    return [each["name"] for each in action["filter_chain"]["typed_config"]]


def test_headers_are_taken_from_clients_before_the_service_is_asked() -> None:
    more = {"auth-response-headers": "X-User, x-user,Authorization", "proxy-body-size": "1m"}
    assert asked(spelt(more)).names == ("x-user", "authorization")
    assert [name.rpartition(".")[2] for name in chain(spelt(more))] == [
        "body_size_limit",
        "header_mutation",
        "ext_authz",
    ]
    (rule,) = plan(shop(spelt(more))).rules
    assert route_of(rule)["request_headers_to_remove"] == [
        "x-fg-auth",
        "x-fg-was-x-user",
        "x-fg-was-authorization",
    ]


# -- Services and hosts in the fleet --


def world(url: str, settings: dict[str, str] | None = None) -> World:
    made = World()
    made.attach(HUB, "c1")
    for name in ("web", "auth"):
        made.put(
            service(name).manifest, slice_of(name, addresses=["10.0.0.1"]).manifest, origin="c1"
        )
    made.put(mse_gateway("gw", members=["c1"]).annotate(settings or {}).manifest)
    own = ingress("shop", host="shop.test").path("/", to="web:80").annotate({URL: url})
    made.put(own.of_class("mse").manifest)
    return made


def clusters(made: World) -> set[str]:
    return {name for kind, name in made.snapshots["mse/gw"] if kind is TypeUrl.CLUSTER}


def reasons(made: World) -> list[tuple[str, str]]:
    row = made.translator.tables.statuses.of_ingresses.rows[Ref(HUB, "Ingress", "default", "shop")]
    return [(problem.reason, problem.key) for problem in row.problems]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://auth.default.svc/", "default/auth/80+auth"),
        ("https://auth.default.svc:80/", "default/auth/80+auth-tls"),
        ("http://auth.example.com/", "http://auth%2Eexample%2Ecom:80"),
        ("https://$host/", "https://shop%2Etest:443"),
    ],
)
def test_a_service_has_a_cluster_as_long_as_it_is_asked(url: str, name: str) -> None:
    made = world(url)
    assert clusters(made) == {"default/web/80", name}
    assert reasons(made) == []
    plain = ingress("shop", host="shop.test").path("/", to="web:80").of_class("mse")
    made.put(plain.manifest)
    assert clusters(made) == {"default/web/80"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://none.default.svc/", "ServiceNotFound"),
        ("http://auth.default.svc:99/", "PortNotFound"),
    ],
)
def test_a_service_that_cannot_answer_is_told(url: str, reason: str) -> None:
    assert reasons(world(url)) == [(reason, URL)]


def test_a_service_of_another_namespace_is_asked_unless_the_gateway_forbids_it() -> None:
    url = "http://auth.tools.svc/"
    assert "tools/auth/80+auth" in clusters(world(url))
    made = world(url, {"fleetgate.dev/cross-namespace": "deny"})
    assert "tools/auth/80+auth" not in clusters(made)
    assert "CrossNamespace" in [reason for reason, _ in reasons(made)]
    table = made.snapshots["mse/gw"][TypeUrl.SCOPED_ROUTE, "mse|shop.test"]
    assert b"tools/auth" not in table.body
