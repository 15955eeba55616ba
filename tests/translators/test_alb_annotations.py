"""The annotations of the ALB dialect that hold for all rules of an Ingress."""

from typing import Any

import pytest

from fleet.problem import Severity
from fleet.ref import HUB, Ref
from tests.support.annotations import example, examples
from tests.support.builders import IngressBuilder, alb_class, alb_gateway, ingress
from tests.support.translation import World
from tests.translators.alb_rules import ACTION, ALB, WEB, blocks, plan, read, told
from tests.translators.policies import filters_of, route_of
from translators.dialects.alb.features import FEATURES, read_alb_features
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import Key
from translators.envoy.filters import GROUP
from translators.model.actions import Forward, Redirect
from translators.model.backends import BackendProtocol
from translators.model.ingresses import IngressRules
from translators.model.policy import Policy, Scope
from translators.model.rules import Rule
from translators.policies.affinity import HashBy, HashOf, PodCookie
from translators.policies.balancing import LoadBalancing
from xds.readable import readable
from xds.resource import TypeUrl

AT = Ref(HUB, "Ingress", "default", "any")
API = ingress("api", host="web.test").path("/api", to="api:80").of_class("alb")
IGNORED = "the annotation is ignored"


def rule_of(annotations: dict[str, str], path: str = "/", kind: str = "Prefix") -> Rule:
    """Return the only rule of an Ingress with annotations, which have no problem."""
    made = ingress("web", host="web.test").path(path, to="web:80", kind=kind).of_class("alb")
    rules = read(made, annotations)
    assert rules.problems == ()
    (rule,) = rules.rules
    return rule


# -- every annotation ------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", [pytest.param(each, id=each.name) for each in FEATURES])
def test_the_examples_of_a_feature_have_no_problem(feature: Feature) -> None:
    assert read_alb_features(AT, in_alb(feature)).problems == ()


@pytest.mark.parametrize(
    "text", ["a\x01b", "\ud800", "x" * 100_000], ids=["control", "half", "long"]
)
@pytest.mark.parametrize(
    ("feature", "key"),
    [pytest.param(f, k, id=k.name) for f in FEATURES for k in f.keys if ALB in k.prefixes],
)
def test_an_unusable_value_is_a_problem_whatever_stands_beside_it(
    feature: Feature, key: Key, text: str
) -> None:
    name = example(key)[0].partition("/")[2]
    found = read_alb_features(AT, {**in_alb(feature), ALB + name: text}).problems
    assert ALB + name in {problem.key for problem in found}


def in_alb(feature: Feature) -> dict[str, str]:
    """Return the annotations of a feature with their examples, under the prefix of ALB."""
    known = {key.name for key in feature.keys if ALB in key.prefixes and not key.family}
    found = {key.partition("/")[2]: value for key, value in examples(feature).items()}
    of_families = any(key.family for key in feature.keys)
    return {ALB + name: value for name, value in found.items() if name in known or of_families}


# -- order and paths -------------------------------------------------------------------------------


def test_a_smaller_order_is_asked_first_whatever_the_paths() -> None:
    first = read(WEB, {"order": "1"})
    planned = plan(first, read(API))
    assert [str(rule.path) for rule in planned.rules] == ["Prefix /", "Prefix /api"]
    planned = plan(read(WEB), read(API, {"order": "11"}))
    assert [str(rule.path) for rule in planned.rules] == ["Prefix /", "Prefix /api"]


def test_rules_of_equal_order_are_asked_by_path_then_conditions_then_age() -> None:
    """Exact paths first, then longer prefixes, then regexes, and the path / last."""
    gray, beta = (
        blocks({"type": "Header", "headerConfig": {"key": "stage", "values": [value]}})
        for value in ("gray", "beta")
    )

    def one(name: str, path: str, kind: str, age: int, conditions: str = "") -> IngressRules:
        made = ingress(name, host="web.test").path(path, to=f"{name}:80", kind=kind).of_class("alb")
        of_regex = {"use-regex": "true"} if "[" in path else {}
        narrowing = {f"conditions.{name}": conditions} if conditions else {}
        return read(
            made.created(f"2026-01-01T00:0{age}:00Z"), {**of_regex, **narrowing, "order": "10"}
        )

    planned = plan(
        one("root", "/", "Prefix", 0),
        one("regex", "/[a-z]+", "Prefix", 1),
        one("short", "/a", "Prefix", 2),
        one("long", "/a/b", "Prefix", 3),
        one("exact", "/a", "Exact", 4),
        one("young-gray", "/a/b", "Prefix", 9, gray),
        one("old-beta", "/a/b", "Prefix", 8, beta),
        one("same-age-beta", "/a/c", "Prefix", 8, beta),
        one("same-age-gray", "/a/c", "Prefix", 8, gray),
    )
    names = [rule.origin.name for rule in planned.rules]
    assert names == [
        *("exact", "old-beta", "young-gray", "long", "same-age-beta", "same-age-gray"),
        *("short", "regex", "root"),
    ]


@pytest.mark.parametrize("value", ["0", "1001", "first", "1.5", ""])
def test_an_order_that_cannot_be_used_is_ten(value: str) -> None:
    rules = read(WEB, {"order": value})
    assert [rule.order for rule in rules.rules] == [10]
    assert told(rules) == ([("InvalidAnnotation", "order", "10 holds")] if value else [])


def test_a_canary_joins_the_rules_of_its_path_whatever_their_order() -> None:
    canary = {"canary": "true", "canary-weight": "10", "order": "7"}
    added = ingress("new", host="web.test").path("/", to="new:80").of_class("alb")
    planned = plan(read(WEB, {"order": "3"}), read(added, canary))
    assert planned.problems == ()
    (rule,) = planned.rules
    assert isinstance(rule.action, Forward)
    assert [share.weight for share in rule.action.shares] == [90, 10]


@pytest.mark.parametrize(
    ("path", "kind", "match"),
    [
        pytest.param(
            "/v[0-9]+", "Prefix", {"safe_regex": {"regex": "(?i:/v[0-9]+).*"}}, id="prefix"
        ),
        pytest.param("^/v1", "Prefix", {"safe_regex": {"regex": "(?i:/v1).*"}}, id="anchored"),
        pytest.param("/", "Prefix", {"prefix": "/"}, id="everything"),
        pytest.param("/a.b", "Exact", {"path": "/a.b"}, id="exact"),
        pytest.param(
            "/a.b/*", "ImplementationSpecific", {"safe_regex": {"regex": r"/a\.b/.*"}}, id="pattern"
        ),
    ],
)
def test_use_regex_is_for_prefixes(path: str, kind: str, match: dict[str, Any]) -> None:
    found = route_of(rule_of({"use-regex": "true"}, path, kind))["match"]
    assert {key: found.get(key) for key in match} == match


@pytest.mark.parametrize(
    ("path", "target", "substitution"),
    [
        pytest.param("/a/(.*)", "/b/${1}", r"/b/\1", id="group"),
        pytest.param("/a/(.*)", "/b/$1", r"/b/\1", id="group-as-in-nginx"),
        pytest.param("/a", "/b", "/b", id="text"),
        pytest.param("/a(/x)?", "/b${3}", "/b", id="no-such-group"),
    ],
)
def test_a_rewrite_makes_regexes_of_prefixes(path: str, target: str, substitution: str) -> None:
    route = route_of(rule_of({"rewrite-target": target}, path))
    assert route["match"]["safe_regex"]["regex"].startswith(f"(?i:{path})")
    assert route["route"]["regex_rewrite"]["substitution"] == substitution


def test_a_regex_that_cannot_be_used_costs_its_rule_alone() -> None:
    rules = read(WEB.path("/(", to="web:80"), {"use-regex": "true"})
    assert [str(rule.path) for rule in rules.rules] == ["Prefix /"]
    assert [problem.reason for problem in rules.problems] == ["InvalidPath"]


# -- redirect to https -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listen", [pytest.param("", id="80"), pytest.param('[{"HTTPS":443}]', id="https-alone")]
)
def test_port_80_redirects_to_https(listen: str) -> None:
    annotations = {"ssl-redirect": "true"} | ({"listen-ports": listen} if listen else {})
    rules = read(WEB, annotations)
    sent = plan(rules).rules[0]
    assert sent.action == Redirect(308, "https", "web.test")
    assert sent.sets == ("http-80",)
    (served,) = [rule for rule in rules.rules if isinstance(rule.action, Forward)]
    assert served.sets == (("https-443", "quic-443") if listen else ("http-80",))
    assert "80/HTTP" in {str(asked.listener) for asked in rules.asked}


def action(kind: str, **config: str) -> str:
    return blocks({"type": kind, f"{kind}Config": config})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(action("FixedResponse", content="closed"), id="answer"),
        pytest.param(action("Redirect", path="/new"), id="redirect-within-the-host"),
        pytest.param(action("Redirect", host="new.test", protocol="https"), id="redirect-to-https"),
        pytest.param(action("Redirect", host="new.test", protocol="http"), id="to-another-host"),
        pytest.param(action("Redirect", protocol="http", port="81"), id="to-another-port"),
    ],
)
def test_paths_that_the_gateway_answers_itself_are_redirected_too(text: str) -> None:
    listen = {"listen-ports": '[{"HTTPS":443}]', "ssl-redirect": "true"}
    rules = read(ACTION, {**listen, "actions.web": text})
    assert rules.problems == ()
    sent, served = rules.rules
    assert (sent.action, sent.sets) == (Redirect(308, "https", "web.test"), ("http-80",))
    assert served.sets == ("https-443", "quic-443")


@pytest.mark.parametrize(
    ("made", "config"),
    [
        pytest.param(ACTION, {"protocol": "http"}, id="scheme"),
        pytest.param(ACTION, {"protocol": "http", "host": "WEB.test", "port": "80"}, id="all"),
        pytest.param(ACTION, {"protocol": "http", "host": "web.test:80"}, id="host-with-port"),
        pytest.param(
            ingress("web", host="*.test").path("/", to="web:use-annotation").of_class("alb"),
            {"protocol": "http", "host": "a.test"},
            id="wildcard",
        ),
        pytest.param(
            ingress("web").path("/", to="web:use-annotation").of_class("alb"),
            {"protocol": "http", "host": "a.test"},
            id="any-host",
        ),
    ],
)
def test_two_redirects_are_no_circle(made: IngressBuilder, config: dict[str, str]) -> None:
    listen = {"listen-ports": '[{"HTTPS":443}]', "ssl-redirect": "true"}
    rules = read(made, {**listen, "actions.web": action("Redirect", **config)})
    assert told(rules) == [
        ("RedirectCircle", "ssl-redirect", "requests for / are not sent to https by it")
    ]
    (served,) = rules.rules
    assert served.sets == ("https-443", "quic-443")


def test_a_redirect_needs_a_listener_for_http_at_80() -> None:
    world = World()
    world.attach(HUB)
    world.put(alb_gateway(ports=(81,)).manifest, alb_class().manifest)
    spelt = {f"{ALB}ssl-redirect": "true", f"{ALB}listen-ports": '[{"HTTP":81}]'}
    world.put(WEB.annotate(spelt).manifest)
    problems = world.translator.tables.statuses.of_ingresses.rows[WEB.ref()].problems
    assert ("ListenerNotFound", f"{ALB}ssl-redirect") in {(p.reason, p.key) for p in problems}


@pytest.mark.parametrize(
    ("nginx", "alb", "sent"), [("false", "true", False), ("true", "false", True)]
)
def test_the_spelling_of_nginx_wins(nginx: str, alb: str, *, sent: bool) -> None:
    made = WEB.annotate({"nginx.ingress.kubernetes.io/ssl-redirect": nginx})
    rules = read(made, {"ssl-redirect": alb})
    assert any(isinstance(rule.action, Redirect) for rule in rules.rules) is sent


def test_connections_to_backends_are_kept_open_whatever_is_asked_for() -> None:
    plain, asked = read(WEB), read(WEB, {"backend-keepalive": "true"})
    assert asked.problems == ()
    assert asked.rules == plain.rules


def test_a_redirect_is_no_conflict_of_two_listeners() -> None:
    both = '[{"HTTP":80},{"HTTPS":443}]'
    planned = plan(read(WEB, {"ssl-redirect": "true", "listen-ports": both}))
    assert planned.problems == ()
    assert [type(rule.action) for rule in planned.rules] == [Redirect, Forward]


# -- backends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "protocol"),
    [
        ("http", BackendProtocol.HTTP),
        ("https", BackendProtocol.HTTPS),
        ("grpc", BackendProtocol.H2C),
    ],
)
def test_backend_protocol(value: str, protocol: BackendProtocol) -> None:
    action = rule_of({"backend-protocol": value}).action
    assert isinstance(action, Forward)
    assert {b.protocol for share in action.shares for b in share.target.backends} == {protocol}


def wished(annotations: dict[str, str]) -> tuple[Policy, ...]:
    return rule_of(annotations).policies


@pytest.mark.parametrize(
    ("annotations", "life"),
    [
        pytest.param({}, "1000s", id="default"),
        pytest.param({"cookie-timeout": "86400"}, "86400s", id="a-day"),
        pytest.param({"sticky-session-type": "insert"}, "1000s", id="type"),
    ],
)
def test_sticky_sessions(annotations: dict[str, str], life: str) -> None:
    rule = rule_of({"sticky-session": "true", **annotations})
    config = filters_of(rule)["envoy.filters.http.stateful_session"]
    cookie = config["stateful_session"]["session_state"]["typed_config"]["cookie"]
    assert cookie == {"name": "SERVERID", "path": "/", "ttl": life}
    assert "strict" not in config["stateful_session"]


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ({"cookie-timeout": "0"}, ("InvalidAnnotation", "cookie-timeout", "1000 holds")),
        ({"cookie-timeout": "86401"}, ("InvalidAnnotation", "cookie-timeout", "1000 holds")),
        (
            {"sticky-session-type": "Server"},
            ("InvalidAnnotation", "sticky-session-type", "Insert holds"),
        ),
    ],
)
def test_sticky_sessions_with_a_wrong_setting_have_the_default(
    annotations: dict[str, str], problem: tuple[str, str, str]
) -> None:
    rules = read(WEB, {"sticky-session": "true", **annotations})
    assert told(rules) == [problem]
    assert any(isinstance(policy, PodCookie) for policy in rules.rules[0].policies)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({"backend-scheduler": "wrr"}, ["round_robin"], id="wrr"),
        pytest.param({"backend-scheduler": "WLC"}, ["least_conn"], id="wlc"),
        pytest.param({"backend-scheduler": "sch"}, [HashBy(HashOf.ADDRESS), "hash"], id="sch"),
        pytest.param(
            {"backend-scheduler": "uch", "backend-scheduler-uch-value": "user"},
            [HashBy(HashOf.QUERY, "user"), "hash"],
            id="uch",
        ),
    ],
)
def test_schedulers(annotations: dict[str, str], expected: list[object]) -> None:
    found = [p.balancing.value if isinstance(p, LoadBalancing) else p for p in wished(annotations)]
    assert found == expected


@pytest.mark.parametrize(
    ("annotations", "key"),
    [
        ({"backend-scheduler": "fastest"}, "backend-scheduler"),
        ({"backend-scheduler": "uch"}, "backend-scheduler"),
        (
            {"backend-scheduler": "uch", "backend-scheduler-uch-value": "a b"},
            "backend-scheduler-uch-value",
        ),
    ],
)
def test_an_unknown_scheduler_is_round_robin(annotations: dict[str, str], key: str) -> None:
    rules = read(WEB, annotations)
    assert told(rules) == [("InvalidAnnotation", key, "wrr holds")]
    assert rules.rules[0].policies == ()


def test_cors_has_the_defaults_of_alb() -> None:
    cors = filters_of(rule_of({"enable-cors": "true"}))["envoy.filters.http.cors"]
    assert cors["max_age"] == "172800"
    assert cors["allow_methods"] == "GET, PUT, POST, DELETE, PATCH, OPTIONS"
    assert cors["allow_credentials"] is True


def test_limits() -> None:
    filters = filters_of(rule_of({"traffic-limit-qps": "50", "traffic-limit-ip-qps": "5"}))
    assert filters["envoy.filters.http.local_ratelimit"]["token_bucket"]["max_tokens"] == 50
    (each,) = filters["fleetgate.client_rate_limit"]["descriptors"]
    assert each["token_bucket"]["max_tokens"] == 5


def test_a_limit_of_each_address_is_below_that_of_all() -> None:
    rules = read(WEB, {"traffic-limit-qps": "5", "traffic-limit-ip-qps": "5"})
    effect = "there is no such limit"
    assert told(rules) == [("InvalidAnnotation", "traffic-limit-ip-qps", effect)]
    assert len(rules.rules[0].policies) == 1


def test_a_limit_beside_the_action_is_reported_and_the_action_counts() -> None:
    action = {"type": "TrafficLimit", "trafficLimitConfig": {"QPS": "7"}}
    rules = read(WEB, {"traffic-limit-qps": "5", "actions.web": blocks(action)})
    assert [problem.key for problem in rules.problems] == [f"{ALB}traffic-limit-qps"]
    limit = filters_of(rules.rules[0])["envoy.filters.http.local_ratelimit"]
    assert limit["token_bucket"]["max_tokens"] == 7


def test_policies_of_services_are_those_that_other_ingresses_share() -> None:
    scopes = {type(policy): policy.scope for policy in wished({"backend-scheduler": "sch"})}
    assert scopes == {HashBy: Scope.ROUTE, LoadBalancing: Scope.SERVICE}


# -- rules that no request reaches -----------------------------------------------------------------


def named(name: str, path: str, kind: str = "Prefix") -> IngressBuilder:
    made = ingress(name, host="web.test").path(path, to="api:80", kind=kind)
    return made.of_class("alb").created("2026-02-01T12:00:00Z")


def condition(*values: str) -> dict[str, str]:
    header = {"type": "Header", "headerConfig": {"key": "stage", "values": list(values)}}
    return {"conditions.api": blocks(header)}


@pytest.mark.parametrize(
    ("before", "path", "kind", "after", "shadowed"),
    [
        pytest.param(("/", "Prefix", {}), "/api", "Prefix", {}, True, id="everything"),
        pytest.param(("/a", "Prefix", {}), "/a/b/c", "Exact", {}, True, id="prefix-of-an-exact"),
        pytest.param(("/a", "Prefix", {}), "/a", "Prefix", {}, True, id="the-same"),
        pytest.param(("/a", "Prefix", {}), "/ab", "Prefix", {}, False, id="another-element"),
        pytest.param(("/a", "Exact", {}), "/a", "Prefix", {}, False, id="exact-before-prefix"),
        pytest.param(("/a/b", "Prefix", {}), "/a", "Prefix", {}, False, id="longer-one"),
        pytest.param(("/", "Prefix", condition("x")), "/a", "Prefix", {}, False, id="conditions"),
        pytest.param(
            ("/", "Prefix", condition("x", "y")), "/a", "Prefix", condition("x"), True, id="fewer"
        ),
        pytest.param(
            ("/", "Prefix", condition("x")), "/a", "Prefix", condition("x", "y"), False, id="more"
        ),
        pytest.param(
            ("/*", "ImplementationSpecific", {}),
            "/a?",
            "ImplementationSpecific",
            {},
            True,
            id="run",
        ),
    ],
)
def test_a_rule_that_no_request_reaches_is_reported(
    before: tuple[str, str, dict[str, str]],
    path: str,
    kind: str,
    after: dict[str, str],
    shadowed: bool,
) -> None:
    first = read(named("first", before[0], before[1]), {**before[2], "order": "1"})
    second = read(named("second", path, kind), after)
    found = [(p.reason, p.at.name, p.effect) for p in plan(first, second).problems]
    assert found == ([("Shadowed", "second", "no request reaches it")] if shadowed else [])


def test_rules_of_equal_order_shadow_nothing() -> None:
    rules = [read(named("a", "/")), read(named("b", "/a")), read(named("c", "/a", "Exact"))]
    assert plan(*rules).problems == ()


def test_an_order_of_two_ingresses_is_reported_to_the_younger_one() -> None:
    old = WEB.created("2026-01-01T12:00:00Z")
    planned = plan(read(old, {"order": "3"}), read(named("new", "/new"), {"order": "3"}))
    (problem,) = planned.problems
    assert (problem.reason, problem.at.name, problem.value) == ("SharedOrder", "new", "3")
    assert problem.severity is Severity.HINT
    assert [str(rule.path) for rule in planned.rules] == ["Prefix /new", "Prefix /"]


# -- filters ---------------------------------------------------------------------------------------


def served(annotations: dict[str, str]) -> World:
    world = World()
    world.attach(HUB)
    world.put(alb_gateway().manifest, alb_class().manifest, WEB.annotate(annotations).manifest)
    return world


def listeners(world: World) -> dict[str, str]:
    held = world.versions()["alb/gw"]
    return {name: held[kind, name] for kind, name in held if kind is TypeUrl.LISTENER}


@pytest.mark.parametrize("feature", [pytest.param(each, id=each.name) for each in FEATURES])
def test_no_annotation_changes_a_listener(feature: Feature) -> None:
    plain = listeners(served({}))
    assert plain
    assert listeners(served(in_alb(feature))) == plain


@pytest.mark.parametrize(
    ("kind", "value", "off"),
    [
        pytest.param("SourceIp", "10.0.0.0/8", False, id="client"),
        pytest.param("Method", "GET", True, id="method"),
    ],
)
def test_the_filters_of_policies_are_on_where_the_clients_address_decides(
    kind: str, value: str, off: bool
) -> None:
    found = {"type": kind, f"{kind}Config": {"values": [value]}}
    world = served({f"{ALB}conditions.web": blocks(found)})
    made = world.snapshots["alb/gw"][TypeUrl.SCOPED_ROUTE, "http-80|web.test"]
    table: Any = readable(TypeUrl.SCOPED_ROUTE, made.body)
    assert (GROUP in table["route_configuration"]["typed_per_filter_config"]) is off
