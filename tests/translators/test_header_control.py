"""Headers of requests to backends and of their answers, for each of the weighted backends."""

from typing import Any

import pytest

from tests.translators.plans import HIGRESS, MSE, NGINX, ingress_with, plan, problems
from translators.dialects.annotations.reader import Key
from translators.dialects.mse.backend_headers import CONNECTION, PREFIX
from translators.dialects.mse.header_control import FEATURE
from translators.envoy.routes import encode_route
from translators.model.actions import Forward
from translators.model.bounds import MAX_HEADER_LINES, MAX_HEADER_TEXT
from translators.policies.headers import HeaderControl, HeaderEdits
from translators.policies.policy import entry_parts, route_parts
from xds.readable import readable

ADD, UPDATE, REMOVE = (f"{MSE}request-header-control-{do}" for do in ("add", "update", "remove"))
ANSWERS = f"{MSE}response-header-control-"
ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"
GRAY = {f"{NGINX}canary": "true"}


def control(annotations: dict[str, str]) -> HeaderControl:
    """Return what an Ingress with these annotations asks for."""
    (rule,) = plan(ingress_with("web", "Prefix /a to web:80", annotations=annotations)).rules
    assert isinstance(rule.action, Forward)
    (share,) = rule.action.shares
    (policy,) = share.policies or (HeaderControl(HeaderEdits(), HeaderEdits()),)
    assert isinstance(policy, HeaderControl)
    return policy


def routes(*ingresses: Any) -> list[Any]:  # noqa: ANN401 (Ingresses, JSON)
    """Return the encoded routes of a host in readable form."""
    made = []
    for rule in plan(*ingresses).rules:
        assert isinstance(rule.action, Forward)
        entries = [entry_parts(share.policies) for share in rule.action.shares]
        made.append(readable(ROUTE, encode_route(rule, route_parts(rule.policies), entries)))
    return made


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        pytest.param("x-a 1", (("x-a", "1"),), id="one"),
        pytest.param("X-A 1\nx-b two words ", (("x-a", "1"), ("x-b", "two words")), id="lines"),
        pytest.param("x-a\t 1", (("x-a", "1"),), id="tab"),
        pytest.param("\"x-a\" 'b c'", (("x-a", "b c"),), id="quotes"),
        pytest.param("x-a ' b '", (("x-a", " b "),), id="blanks-in-quotes"),
        pytest.param("x-a ''", (("x-a", ""),), id="empty"),
        pytest.param("x-a it's", (("x-a", "it's"),), id="one-quote"),
        pytest.param("x-a 50%", (("x-a", "50%"),), id="percent"),
        pytest.param("x_a é", (("x_a", "é"),), id="underscore-and-umlaut"),
    ],
)
def test_lines_have_a_name_and_a_value(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert control({ADD: text}).request == HeaderEdits(add=pairs)
    assert control({UPDATE: text}).request == HeaderEdits(update=pairs)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("x-a", id="no-value"),
        pytest.param("x(a 1", id="no-name"),
        pytest.param(":path /x", id="pseudo-header"),
        pytest.param("Host a.test", id="host"),
        pytest.param("Content-Length 0", id="length"),
        pytest.param("transfer-encoding chunked", id="encoding"),
        pytest.param("Connection close", id="connection"),
        pytest.param("x-envoy-retry-on 5xx", id="header-of-envoy"),
        pytest.param("x-fg-scope a", id="header-of-ours"),
        pytest.param("x-a a\u0001b", id="control-character"),
        pytest.param(f"{'x' * 300} 1", id="huge-name"),
    ],
)
@pytest.mark.parametrize("side", ["request", "response"])
def test_a_wrong_line_is_left_out_and_told(line: str, side: str) -> None:
    annotations = {f"{MSE}{side}-header-control-update": f"x-a 1\n{line}\nx-b 2"}
    edits = getattr(control(annotations), side)
    assert edits == HeaderEdits(update=(("x-a", "1"), ("x-b", "2")))
    (problem,) = problems(ingress_with("w", "Exact /a to s:80", annotations=annotations))
    assert (problem.reason, problem.effect) == ("InvalidAnnotation", f"left out: {line}")


def test_names_to_remove_are_separated_by_commas() -> None:
    assert control({REMOVE: " X-A ,, x-b,"}).request == HeaderEdits(remove=("x-a", "x-b"))
    assert control({REMOVE: "x-a,host"}).request == HeaderEdits(remove=("x-a",))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x-a 1\n" * (MAX_HEADER_LINES + 1), id="lines"),
        pytest.param(f"x-a {'1' * MAX_HEADER_TEXT}", id="characters"),
    ],
)
def test_too_much_is_ignored_and_told(text: str) -> None:
    assert control({ADD: text}) == HeaderControl(HeaderEdits(), HeaderEdits())
    (problem,) = problems(ingress_with("w", "Exact /a to s:80", annotations={ADD: text}))
    assert (problem.reason, problem.effect) == ("InvalidAnnotation", "the annotation is ignored")


@pytest.mark.parametrize("key", FEATURE.keys, ids=lambda key: str(key.name))
def test_header_control_is_a_key_of_mse(key: Key) -> None:
    assert key.prefixes == (MSE, HIGRESS)


def test_requests_and_answers_of_one_backend_are_changed_by_its_route() -> None:
    annotations = {
        REMOVE: "x-out",
        UPDATE: "x-set 1%",
        ADD: "x-more 2",
        f"{ANSWERS}remove": "server-timing",
        f"{ANSWERS}add": "x-back 3",
        f"{ANSWERS}update": "x-empty ''",
    }
    (route,) = routes(ingress_with("web", "Prefix /a to web:80", annotations=annotations))
    over, more = "OVERWRITE_IF_EXISTS_OR_ADD", "APPEND_IF_EXISTS_OR_ADD"
    assert route["request_headers_to_remove"] == ["x-out"]
    assert route["response_headers_to_remove"] == ["server-timing"]
    assert [
        (each["header"], each.get("append_action", more))
        for each in route["request_headers_to_add"]
    ] == [({"key": "x-set", "value": "1%%"}, over), ({"key": "x-more", "value": "2"}, more)]
    empty, back = route["response_headers_to_add"]
    assert empty == {
        "header": {"key": "x-empty"},
        "append_action": over,
        "keep_empty_value": True,
    }
    assert back["header"] == {"key": "x-back", "value": "3"}


def test_each_weighted_backend_has_its_own() -> None:
    main = ingress_with("main", "Prefix /a to web:80", annotations={UPDATE: "x-of main"})
    gray = {**GRAY, f"{NGINX}canary-weight": "10", UPDATE: "x-of gray"}
    bare = {**GRAY, f"{NGINX}canary-weight": "20"}
    (route,) = routes(
        main,
        ingress_with("gray", "Prefix /a to gray:80", annotations=gray),
        ingress_with("none", "Prefix /a to none:80", annotations=bare),
    )
    assert "request_headers_to_add" not in route
    entries = {
        entry["name"].partition(">")[0]: [
            each["header"]["value"] for each in entry.get("request_headers_to_add", ())
        ]
        for entry in route["route"]["weighted_clusters"]["clusters"]
    }
    assert entries == {
        "default/web/80": ["main"],
        "default/gray/80": ["gray"],
        "default/none/80": [],
    }


def test_a_canary_by_header_has_its_own_and_not_that_of_its_main() -> None:
    main = ingress_with("main", "Prefix /a to web:80", annotations={UPDATE: "x-of main"})
    gray = {**GRAY, f"{NGINX}canary-by-header": "x-c", f"{NGINX}canary-by-header-value": "1"}
    canary, rest = routes(main, ingress_with("gray", "Prefix /a to gray:80", annotations=gray))
    assert "request_headers_to_add" not in canary
    assert rest["request_headers_to_add"][0]["header"]["value"] == "main"


# -- single headers of NGINX -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        pytest.param(PREFIX, "/shop", "/shop", id="prefix"),
        pytest.param(PREFIX, "/100%", "/100%%", id="percent"),
        pytest.param(PREFIX, "/a\r\nx: y", None, id="header-injection"),
    ],
)
def test_a_single_header_for_backends(key: Key, text: str, value: str | None) -> None:
    annotations = {f"{NGINX}{key.name}": text}
    web = ingress_with("web", "Prefix /a to web:80", annotations=annotations)
    (route,) = routes(web)
    added = route.get("request_headers_to_add", ())
    assert [each["header"]["value"] for each in added] == ([value] if value else [])
    assert [p.key for p in problems(web)] == ([] if value else list(annotations))


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        pytest.param("keep-alive", False, id="keep-alive"),
        pytest.param("Keep-Alive", False, id="capitals"),
        pytest.param("close", True, id="close"),
        pytest.param("upgrade", True, id="upgrade"),
        pytest.param("$connection_upgrade", True, id="variable"),
    ],
)
def test_no_connection_header_is_sent(text: str, is_told: bool) -> None:
    annotations = {f"{NGINX}{CONNECTION.name}": text}
    web = ingress_with("web", "Prefix /a to web:80", annotations=annotations)
    (route,) = routes(web)
    assert "request_headers_to_add" not in route
    assert [p.key for p in problems(web)] == (list(annotations) if is_told else [])


def test_a_canary_takes_the_prefix_of_its_main_beside_its_own_headers() -> None:
    main = ingress_with("main", "Prefix /a to web:80", annotations={f"{NGINX}{PREFIX.name}": "/p"})
    gray = {**GRAY, f"{NGINX}canary-by-header": "x-c", UPDATE: "x-of gray"}
    canary, *_ = routes(main, ingress_with("gray", "Prefix /a to gray:80", annotations=gray))
    added = {each["header"]["key"] for each in canary["request_headers_to_add"]}
    assert added == {"x-forwarded-prefix", "x-of"}
