"""The annotations `actions.{service}` of the ALB dialect: what becomes of requests."""

from typing import Any

import pytest

from tests.support.builders import IngressBuilder
from tests.translators.alb_rules import ACTION, ALB, WEB, blocks, plan, read, told
from tests.translators.policies import filters_of, route_of
from translators.envoy.messages import AppendAction
from translators.model.actions import FixedResponse, Forward
from translators.model.bounds import MAX_BLOCKS, MAX_BODY, MAX_GROUPS
from translators.model.ingresses import Role
from translators.model.rules import Rule
from translators.policies.policy import entry_parts

NOT_SERVED = ("InvalidAnnotation", "actions.web", "paths to web are not served")

PATH_IN_FRONT = pytest.param(
    {"path": "/v2${path}"},
    {"regex_rewrite": {"pattern": {"regex": "^(.*)$"}, "substitution": r"/v2\1"}},
    id="path-in-front",
)


def redirect(**config: object) -> dict[str, Any]:
    return {"type": "Redirect", "redirectConfig": config}


def fixed(**config: object) -> dict[str, Any]:
    return {"type": "FixedResponse", "fixedResponseConfig": config}


def groups(*found: dict[str, object]) -> dict[str, Any]:
    return {"type": "ForwardGroup", "forwardConfig": {"serverGroups": list(found)}}


def group(name: str, weight: object = 100, port: object = 80) -> dict[str, object]:
    return {"serviceName": name, "servicePort": port, "weight": weight}


def insert(key: str, value: str, **more: object) -> dict[str, Any]:
    return {"type": "InsertHeader", "insertHeaderConfig": {"key": key, "value": value, **more}}


def remove(key: str) -> dict[str, Any]:
    return {"type": "RemoveHeader", "removeHeaderConfig": {"key": key}}


def rewrite(**config: str) -> dict[str, Any]:
    return {"type": "Rewrite", "rewriteConfig": config}


def limit(**config: str) -> dict[str, Any]:
    return {"type": "TrafficLimit", "trafficLimitConfig": config}


def mirror(*found: dict[str, object]) -> dict[str, Any]:
    config = {
        "targetType": "ForwardGroupMirror",
        "mirrorGroupConfig": {"serverGroupTuples": list(found)},
    }
    return {"type": "TrafficMirror", "trafficMirrorConfig": config}


def acted(made: IngressBuilder, *items: dict[str, Any]) -> Rule:
    """Return the only rule of an Ingress with actions."""
    rules = read(made, {"actions.web": blocks(*items)})
    assert rules.problems == ()
    (rule,) = rules.rules
    return rule


# -- final actions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"protocol": "HTTPS", "port": "443"},
            {"https_redirect": True, "port_redirect": 443},
            id="https",
        ),
        pytest.param(
            {"host": "New.test", "httpCode": "308"},
            {"host_redirect": "new.test", "response_code": "PERMANENT_REDIRECT"},
            id="host",
        ),
        pytest.param(
            {"path": "/new", "httpCode": 302},
            {"path_redirect": "/new", "response_code": "FOUND"},
            id="path",
        ),
        PATH_IN_FRONT,
        pytest.param(
            {"path": "${path}/end"},
            {"regex_rewrite": {"pattern": {"regex": "^(.*)$"}, "substitution": r"\1/end"}},
            id="path-behind",
        ),
        pytest.param(
            {"path": "/new", "query": "a=1"},
            {"path_redirect": "/new?a=1", "strip_query": True},
            id="path-and-query",
        ),
        pytest.param(
            {"query": ""},
            {
                "regex_rewrite": {"pattern": {"regex": "^(.*)$"}, "substitution": r"\1"},
                "strip_query": True,
            },
            id="no-query",
        ),
        pytest.param(
            {
                "host": "${host}",
                "port": "${port}",
                "protocol": "${protocol}",
                "path": "${path}",
                "query": "${query}",
                "httpCode": "307",
                "HOST2": "x",
            }
            | {"path": "/x"},
            {"path_redirect": "/x", "response_code": "TEMPORARY_REDIRECT"},
            id="variables-stay",
        ),
    ],
)
def test_a_redirect(config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert route_of(acted(ACTION, redirect(**config)))["redirect"] == expected


def test_a_redirect_that_changes_the_query_alone_is_an_answer_with_its_url() -> None:
    route = route_of(acted(ACTION, redirect(query="a=1%20")))
    assert route["direct_response"] == {"status": 301}
    (header,) = route["response_headers_to_add"]
    url = "%REQ(X-FORWARDED-SCHEME)%://%REQ(:AUTHORITY)%%PATH(NQ)%?a=1%%20"
    assert header["header"] == {"key": "location", "value": url}


def test_an_answer_of_the_gateway() -> None:
    answer = fixed(contentType="text/html", httpCode="503", content="<p>50 %</p>")
    route = route_of(acted(ACTION, answer))
    assert route["direct_response"] == {"status": 503, "body": {"inline_string": "<p>50 %</p>"}}
    (header,) = route["response_headers_to_add"]
    assert header["header"] == {"key": "content-type", "value": "text/html"}


def test_an_answer_without_settings_is_an_empty_503_in_plain_text() -> None:
    assert acted(ACTION, fixed()).action == FixedResponse(503, "", "text/plain")


def test_names_and_types_are_read_in_any_case() -> None:
    servers = '{"SERVERGROUPS":[{"SERVICENAME":"a","serviceport":80}]}'
    text = f'[{{"TYPE":"forwardGROUP","ForwardConfig":{servers}}}]'
    assert read(ACTION, {"actions.web": text}).rules == (acted(ACTION, groups(group("a"))),)


def test_each_service_of_a_group_has_the_weights_of_members() -> None:
    weights = {f"{ALB}cluster-weight.one": "100"}
    rule = acted(ACTION.annotate(weights), groups(group("a"), group("b")))
    assert isinstance(rule.action, Forward)
    found = [b.weighted_by for share in rule.action.shares for b in share.target.backends]
    assert found == [ACTION.ref()] * 4


def test_requests_are_divided_between_services_that_stand_in_for_each_other() -> None:
    rule = acted(ACTION, groups(group("a", 80), group("b", "20", "http"), group("none", 0)))
    assert isinstance(rule.action, Forward)
    shares = [
        (share.weight, [(b.service, str(b.port)) for b in share.target.backends])
        for share in rule.action.shares
    ]
    assert shares == [(80, [("a", "80"), ("b", "http")]), (20, [("b", "http"), ("a", "80")])]


def test_a_group_in_the_cloud_is_reported_and_skipped() -> None:
    text = blocks(groups(group("a"), {"serverGroupID": "sgp-1", "weight": 5}))
    rules = read(ACTION, {"actions.web": text})
    assert len(rules.rules) == 1
    assert told(rules) == [("NotSupported", "actions.web", "serverGroupID gets no request")]


def test_an_action_stands_for_a_default_backend_too() -> None:
    answer = fixed(httpCode="404", content="nothing")
    rules = read(WEB.default("rest:use-annotation"), {"actions.rest": blocks(answer)})
    assert rules.problems == ()
    assert {type(rule.action).__name__ for rule in rules.defaults} == {"FixedResponse"}


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(groups(group("a"), group("b")), id="groups"),
        pytest.param(groups(group("a")), id="group"),
        pytest.param(fixed(), id="answer"),
        pytest.param(redirect(host="new.test"), id="redirect"),
    ],
)
def test_an_action_as_the_default_backend_of_a_canary_has_no_effect(item: dict[str, Any]) -> None:
    canary = {"canary": "true", "canary-by-header": "stage", "actions.rest": blocks(item)}
    rules = read(WEB.default("rest:use-annotation"), canary)
    idle = [problem for problem in rules.problems if problem.reason == "CanaryDefaultBackend"]
    assert [(p.key, p.value) for p in idle] == [("spec.defaultBackend", "rest:use-annotation")]
    assert not rules.defaults
    assert len(rules.canaries) == 1


@pytest.mark.parametrize(
    ("made", "items", "key"),
    [
        pytest.param(WEB, [fixed()], "web:80", id="an-action-in-place-of-a-service"),
        pytest.param(ACTION, [remove("x")], "use-annotation", id="no-action-that-ends"),
    ],
)
def test_a_backend_is_a_service_or_an_action(
    made: IngressBuilder, items: list[dict[str, Any]], key: str
) -> None:
    rules = read(made, {"actions.web": blocks(*items)})
    assert not rules.rules
    at = "spec.rules[0].http.paths[0].backend.service.port"
    assert told(rules) == [("InvalidBackend", at, "this rule is not served")]
    assert rules.problems[0].value in key


# -- what is done before ---------------------------------------------------------------------------


def test_headers_of_requests() -> None:
    rule = acted(
        WEB,
        insert("X-A", "1"),
        insert("x-b", "50 %", coverEnabled=False, valueType="UserDefined"),
        remove("X-C"),
    )
    assert isinstance(rule.action, Forward)
    (share,) = rule.action.shares
    parts = entry_parts(share.policies)
    assert parts is not None
    fields = parts.entry.over({})
    added = fields["request_headers_to_add"]
    texts = [(option.header.key, option.header.value) for option in added]
    assert texts == [("x-a", "1"), ("x-b", "50 %%")]
    actions = [option.append_action for option in added]
    assert actions == [AppendAction.OVERWRITE_IF_EXISTS_OR_ADD, AppendAction.ADD_IF_ABSENT]
    assert fields["request_headers_to_remove"] == ["x-c"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"path": "/new"},
            {"regex_rewrite": {"pattern": {"regex": "^(.*)$"}, "substitution": "/new"}},
            id="path",
        ),
        PATH_IN_FRONT,
        pytest.param(
            {"host": "inner.test", "path": "${path}", "query": "${query}"},
            {"host_rewrite_literal": "inner.test"},
            id="host",
        ),
    ],
)
def test_a_rewrite(config: dict[str, str], expected: dict[str, Any]) -> None:
    route = route_of(acted(WEB, rewrite(**config)))["route"]
    assert {key: route[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        pytest.param("a=1&b=2", "?a=1&b=2", id="another"),
        pytest.param("", "", id="none"),
    ],
)
def test_a_rewrite_of_the_query(query: str, sent: str) -> None:
    rule = acted(WEB, rewrite(query=query))
    assert filters_of(rule)["fleetgate.query"]["filter_context"] == {"query": sent}
    assert "regex_rewrite" not in route_of(rule)["route"]


def test_a_rewrite_keeps_the_query_of_the_request() -> None:
    assert "fleetgate.query" not in filters_of(acted(WEB, rewrite(path="/a", query="${query}")))


def test_an_action_counts_before_an_annotation_that_asks_for_the_same() -> None:
    annotations = {
        "rewrite-target": "/annotated",
        "enable-cors": "true",
        "actions.web": blocks(
            rewrite(path="/acted"),
            {"type": "Cors", "corsConfig": {"allowOrigin": ["http://a.test"]}},
        ),
    }
    (rule,) = read(WEB, annotations).rules
    assert route_of(rule)["route"]["regex_rewrite"]["substitution"] == "/acted"
    cors = filters_of(rule)["envoy.filters.http.cors"]
    assert cors["allow_origin_string_match"] == [{"exact": "http://a.test"}]
    assert cors["max_age"] == "172800"


@pytest.mark.parametrize(
    ("annotations", "item", "told_of"),
    [
        pytest.param(
            {"rewrite-target": "/annotated"},
            rewrite(path="/acted"),
            [("Overruled", "rewrite-target", "no path to web is rewritten to it")],
            id="rewrite",
        ),
        pytest.param(
            {"enable-cors": "true", "cors-max-age": "5"},
            {"type": "Cors", "corsConfig": {}},
            [("Overruled", "enable-cors", "no effect there")],
            id="cors",
        ),
        pytest.param(
            {"traffic-limit-qps": "9", "traffic-limit-ip-qps": "5"},
            limit(QPS="2"),
            [
                ("Overruled", "traffic-limit-qps", "no effect there"),
                ("Overruled", "traffic-limit-ip-qps", "no effect there"),
            ],
            id="limits",
        ),
        pytest.param(
            {"rewrite-target": "/annotated", "enable-cors": "true"},
            rewrite(host="inner.test"),
            [],
            id="of-something-else",
        ),
        pytest.param(
            {"enable-cors": "false"}, {"type": "Cors", "corsConfig": {}}, [], id="switched-off"
        ),
    ],
)
def test_an_annotation_that_an_action_overrules_is_reported(
    annotations: dict[str, str], item: dict[str, Any], told_of: list[tuple[str, str, str]]
) -> None:
    rules = read(WEB, {**annotations, "actions.web": blocks(item)})
    assert told(rules) == told_of


def test_limits() -> None:
    filters = filters_of(acted(WEB, limit(QPS="100", QPSPerIp="10")))
    total = filters["envoy.filters.http.local_ratelimit"]["token_bucket"]
    assert total == {"max_tokens": 100, "tokens_per_fill": 100, "fill_interval": "1s"}
    (each,) = filters["fleetgate.client_rate_limit"]["descriptors"]
    assert each["token_bucket"]["max_tokens"] == 10


def test_limits_may_have_another_answer() -> None:
    own = {"fleetgate.dev/limit-req-status-code": "503"}
    for annotations in (
        {"traffic-limit-qps": "100", "traffic-limit-ip-qps": "10"},
        {"actions.web": blocks(limit(QPS="100", QPSPerIp="10"))},
    ):
        (rule,) = read(WEB.annotate(own), annotations).rules
        filters = filters_of(rule)
        for name in ("envoy.filters.http.local_ratelimit", "fleetgate.client_rate_limit"):
            assert filters[name]["status"]["code"] == "ServiceUnavailable"


def test_a_mirror() -> None:
    made = acted(WEB, mirror(group("copy")))
    (policy,) = route_of(made)["route"]["request_mirror_policies"]
    assert policy["cluster"] == "default/copy/80"
    rules = read(WEB, {"actions.web": blocks(mirror(group("copy")))})
    assert "default/copy/80" in {
        f"{b.namespace}/{b.service}/{b.port}" for t in plan(rules).targets for b in t.backends
    }
    assert "copy" in {named.backend.service for named in rules.named}


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([redirect()], id="redirect-to-itself"),
        pytest.param([redirect(host="${host}", path="${path}")], id="redirect-by-variables"),
        pytest.param([redirect(httpCode="304", path="/a")], id="status-of-no-redirect"),
        pytest.param([redirect(host="a b")], id="host"),
        pytest.param([redirect(host="${hosts}")], id="no-variable"),
        pytest.param([redirect(path="a")], id="path"),
        pytest.param([redirect(path="/a\nb")], id="line-break"),
        pytest.param([redirect(path="/a?b")], id="query-in-path"),
        pytest.param([redirect(path="/${host}")], id="variable-of-another-field"),
        pytest.param([redirect(path="/a", query="x=${query}")], id="part-of-a-query"),
        pytest.param([redirect(port="0")], id="port"),
        pytest.param([redirect(port="81", query="a=1")], id="query-and-port-without-host"),
        pytest.param([redirect(host="b.test:8080", port="443")], id="two-ports"),
        pytest.param([redirect(host="[::1]:8080", port="443", path="/a")], id="two-ports-of-ipv6"),
        pytest.param([redirect(protocol="FTP")], id="protocol"),
        pytest.param([redirect(path=["/a"])], id="list-as-path"),
        pytest.param([fixed(httpCode="99")], id="status"),
        pytest.param([fixed(httpCode="600")], id="status-too-high"),
        pytest.param([fixed(content="x" * (MAX_BODY + 1))], id="content"),
        pytest.param([fixed(contentType="image/png")], id="content-type"),
        pytest.param([fixed(contentType="text/plain\r\nx: y")], id="content-type-of-two-lines"),
        pytest.param([groups()], id="no-group"),
        pytest.param([groups(group("a", 0))], id="no-weight"),
        pytest.param([groups(group("a", -1))], id="negative-weight"),
        pytest.param([groups(group("a", "many"))], id="weight"),
        pytest.param([groups(group("A_B"))], id="name"),
        pytest.param([groups(group("other/a"))], id="namespace"),
        pytest.param([groups(group("a", port=0))], id="service-port"),
        pytest.param([groups({"serviceName": "a"})], id="no-port"),
        pytest.param([groups({"serverGroupID": "sgp-1"})], id="the-cloud-alone"),
        pytest.param(
            [groups(*(group(f"s{i}") for i in range(MAX_GROUPS + 1)))], id="too-many-groups"
        ),
        pytest.param([insert("host", "a"), fixed()], id="host-header"),
        pytest.param(
            [*(insert(f"x-{n}", "a" * 3000, coverEnabled=n > 0) for n in range(2)), fixed()],
            id="long-headers",
        ),
        pytest.param([insert("a b", "a"), fixed()], id="header-name"),
        pytest.param([insert("a", "b\r\nc: d"), fixed()], id="header-value"),
        pytest.param([insert("a", "", valueType="UserDefined"), fixed()], id="no-header-value"),
        pytest.param([insert("a", "b", valueType="SystemDefined"), fixed()], id="value-type"),
        pytest.param([insert("a", "b", coverEnabled="maybe"), fixed()], id="switch"),
        pytest.param([remove("content-length"), fixed()], id="needed-header"),
        pytest.param([rewrite(), fixed()], id="rewrite-of-nothing"),
        pytest.param([rewrite(query="${query}&a=1"), fixed()], id="rewrite-that-extends-a-query"),
        pytest.param([rewrite(path="/a b"), fixed()], id="rewrite-to-no-path"),
        pytest.param([rewrite(path="/a"), rewrite(path="/b"), fixed()], id="rewritten-twice"),
        pytest.param([limit(), fixed()], id="no-limit"),
        pytest.param([limit(QPS="0"), fixed()], id="limit-of-zero"),
        pytest.param([limit(QPS="100001"), fixed()], id="limit-too-high"),
        pytest.param([limit(QPS="10", QPSPerIp="10"), fixed()], id="as-much-for-each"),
        pytest.param([mirror(), fixed()], id="mirror-to-nobody"),
        pytest.param([mirror(group("a"), group("b")), fixed()], id="two-mirrors"),
        pytest.param([{"type": "TrafficMirror"}, fixed()], id="mirror-without-config"),
        pytest.param([redirect(path="/a"), fixed()], id="two-that-end"),
        pytest.param([{"type": "Dance"}], id="type"),
        pytest.param([remove("x")] * (MAX_BLOCKS + 1), id="blocks"),
    ],
)
def test_paths_whose_actions_cannot_be_read_are_not_served(items: list[dict[str, Any]]) -> None:
    rules = read(ACTION.path("/a", to="a:80"), {"actions.web": blocks(*items)})
    assert [str(rule.path) for rule in rules.rules] == ["Prefix /a"]
    assert told(rules) == [NOT_SERVED]


@pytest.mark.parametrize(
    ("key", "reason"),
    [pytest.param("canary-weight", ["InvalidAnnotation"], id="weight"), ("canary-by-header", [])],
)
def test_a_canary_with_a_weight_is_not_divided_again(key: str, reason: list[str]) -> None:
    canary = {"canary": "true", key: "5", "actions.web": blocks(groups(group("a"), group("b")))}
    rules = read(ACTION, canary)
    assert [problem.reason for problem in rules.problems] == reason
    assert bool(rules.canaries) is not bool(reason)


CANARY = {"canary": "true", "canary-weight": "50"}

NO_REQUEST = "the canary takes no request"


@pytest.mark.parametrize(
    ("made", "items", "effect"),
    [
        pytest.param(
            WEB,
            [insert("x-a", "1"), rewrite(path="/new"), limit(QPS="1"), mirror(group("copy"))],
            "TrafficLimit, Rewrite, TrafficMirror have no effect: what the main rule asks for "
            "holds for the canary too",
            id="before-the-service",
        ),
        pytest.param(
            WEB,
            [{"type": "Cors", "corsConfig": {}}],
            "Cors has no effect: what the main rule asks for holds for the canary too",
            id="cors",
        ),
        pytest.param(ACTION, [rewrite(path="/new"), fixed()], NO_REQUEST, id="answer"),
        pytest.param(ACTION, [redirect(host="new.test")], NO_REQUEST, id="redirect"),
    ],
)
def test_an_action_that_a_canary_cannot_have_is_reported(
    made: IngressBuilder, items: list[dict[str, Any]], effect: str
) -> None:
    rules = read(made, {**CANARY, "actions.web": blocks(*items)})
    assert told(rules) == [("CanaryAction", "actions.web", effect)]
    main, canary = read(WEB).rules, plan(read(WEB), rules).rules
    assert [rule.policies for rule in canary] == [rule.policies for rule in main]


def test_rules_about_answers_of_a_canary_are_reported() -> None:
    annotations = {"rule-direction.web": "Response", "actions.web": blocks(insert("x-a", "1"))}
    effect = "no effect: what the main rule asks for holds for the canary too"
    assert told(read(WEB, {**CANARY, **annotations})) == [("CanaryAction", "actions.web", effect)]


def test_headers_of_a_canary_are_its_own() -> None:
    rules = read(WEB, {**CANARY, "actions.web": blocks(insert("x-a", "1"), remove("x-b"))})
    assert rules.problems == ()
    (rule,) = plan(read(WEB), rules).rules
    assert isinstance(rule.action, Forward)
    assert [bool(share.policies) for share in rule.action.shares] == [False, True]


def test_a_service_of_a_group_without_pods_is_told_who_stands_in_for_it() -> None:
    rules = read(ACTION, {"actions.web": blocks(groups(group("a"), group("b"), group("c")))})
    named = [(each.backend.service, each.role) for each in rules.named]
    assert named == [("a", Role.BACKED), ("b", Role.BACKED), ("c", Role.BACKED)]
