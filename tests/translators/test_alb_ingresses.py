"""Ingresses of the ALB dialect: their gateway, their listeners, and their parts without effect."""

from dataclasses import replace

import pytest

from fleet.models import Ingress, IngressClass
from fleet.ref import HUB, Ref
from tests.support.builders import (
    Builder,
    IngressBuilder,
    alb_class,
    alb_gateway,
    ingress,
    ingress_class,
    mse_gateway,
)
from tests.support.translation import World
from tests.translators.plans import NGINX
from translators.dialects.alb.ingress import read_alb_ingress
from translators.dialects.alb.listen_ports import listen_ports
from translators.dialects.alb.paths import alb_path
from translators.dialects.annotations.reader import Unusable
from translators.model.canaries import Weight
from translators.model.ingresses import IngressRules
from translators.model.paths import Path, PathKind
from xds.resource import TypeUrl

ALB = "alb.ingress.kubernetes.io/"
LISTEN = f"{ALB}listen-ports"
WEB = ingress("web", host="web.test").path("/", to="web:80").of_class("alb")
BOTH = WEB.annotate({LISTEN: '[{"HTTP":80},{"HTTP":81}]'})


def tables(world: World, gateway: str = "alb/gw") -> list[str]:
    """Return the route tables of named hosts."""
    names = world.names(TypeUrl.SCOPED_ROUTE, gateway)
    return [name for name in names if not name.endswith("|*")]


def served(*objects: Builder[Ingress] | Builder[IngressClass], ports: tuple[int, ...]) -> World:
    """Make a fleet with an ALB gateway, its class and these objects."""
    world = World()
    world.attach(HUB)
    world.put(alb_gateway(ports=ports).manifest, alb_class().manifest)
    world.put(*(each.manifest for each in objects))
    return world


# -- binding ---------------------------------------------------------------------------------------


def test_a_class_binds_its_ingresses_to_the_gateway_that_its_parameters_name() -> None:
    world = served(WEB, ports=(80,))
    world.put(alb_gateway("other").manifest)
    assert tables(world) == ["http-80|web.test"]
    assert tables(world, "alb/other") == []


@pytest.mark.parametrize(
    ("of_class", "value"),
    [
        pytest.param(alb_class("lone", gateway=None), "lone", id="no-parameters"),
        pytest.param(alb_class("lost", gateway="missing"), "lost", id="no-such-gateway"),
        pytest.param(
            ingress_class("mixed", gateway="gw", controller="ingress.k8s.alibabacloud/alb"),
            "mixed",
            id="a-gateway-of-another-kind",
        ),
    ],
)
def test_an_ingress_of_a_class_without_a_gateway_is_told_and_not_served(
    of_class: Builder[IngressClass], value: str
) -> None:
    world = served(of_class, WEB.of_class(value), ports=(80,))
    world.put(mse_gateway("gw", ingress_class="").manifest)  # takes every class but those of ALB
    assert world.problems("web") == ["GatewayNotFound"]
    assert tables(world) == tables(world, "mse/gw") == []
    row = world.translator.tables.statuses.of_ingresses.rows[WEB.ref()]
    assert [(p.key, p.value) for p in row.problems] == [("spec.ingressClassName", value)]


def test_it_is_served_once_the_gateway_is_there() -> None:
    world = served(alb_class("later", gateway="later"), WEB.of_class("later"), ports=(80,))
    world.put(alb_gateway("later").manifest)
    assert tables(world, "alb/later") == ["http-80|web.test"]
    assert "GatewayNotFound" not in world.problems("web")


def test_the_old_annotation_names_the_class_and_beats_the_spec() -> None:
    old = WEB.of_class("other").annotate({"kubernetes.io/ingress.class": "alb"})
    assert tables(served(old, ports=(80,))) == ["http-80|web.test"]


def test_an_alb_gateway_takes_no_ingress_without_its_class() -> None:
    assert tables(served(WEB.of_class("mse"), WEB.of_class(""), ports=(80,))) == []


# -- listeners -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('[{"HTTP":80}]', ["80/HTTP"], id="one"),
        pytest.param('[{"HTTP":80},{"HTTPS":443}]', ["80/HTTP", "443/HTTPS"], id="two"),
        pytest.param('[{"HTTP":80,"HTTPS":443}]', ["80/HTTP", "443/HTTPS"], id="one-element"),
        pytest.param('[{"HTTP":80,"HTTP":81}]', ["80/HTTP", "81/HTTP"], id="one-key-twice"),
        pytest.param('[{"http":80},{"HTTP":80}]', ["80/HTTP"], id="any-case-and-once"),
    ],
)
def test_listen_ports(text: str, expected: list[str]) -> None:
    assert [str(port) for port in listen_ports(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "80",
        "[]",
        "[{}]",
        '{"HTTP":80}',
        '[{"HTTP":80}',
        '[["HTTP",80]]',
        '[[["HTTP",80]]]',
        '[{"HTTP":{"HTTP":80}}]',
        '[{"QUIC":443}]',
        '[{"HTTP":0}]',
        '[{"HTTP":65536}]',
        '[{"HTTP":"80"}]',
        '[{"HTTP":true}]',
        '[{"HTTP":80.5}]',
        '[{"HTTP":null}]',
        '[{"HTTP":80},{"TCP":81}]',
        "[" * 100_000,
        '[{"HTTP":' + "1" * 5000 + "}]",
    ],
    ids=lambda text: text[:24],
)
def test_listen_ports_that_cannot_be_used(text: str) -> None:
    with pytest.raises(Unusable):
        listen_ports(text)


TLS_ALONE = ["ListenerNotFound", "MissingSecret"]
"""The problems of a host of `spec.tls` whose gateway and hub have nothing for it."""


@pytest.mark.parametrize(
    ("rule", "ports", "hosts", "problems"),
    [
        pytest.param(WEB, (80, 81), ["http-80|web.test"], [], id="without-it-port-80"),
        pytest.param(WEB, (81,), [], ["ListenerNotFound"], id="without-it-nothing-but-80"),
        pytest.param(
            BOTH, (80, 81), ["http-80|web.test", "http-81|web.test"], [], id="exactly-these"
        ),
        pytest.param(
            BOTH, (81, 82), ["http-81|web.test"], ["ListenerNotFound"], id="those-that-there-are"
        ),
        pytest.param(
            WEB.annotate({LISTEN: '[{"HTTP":80},{"HTTPS":443}]'}),
            (80,),
            ["http-80|web.test"],
            ["ListenerNotFound"],
            id="one-that-there-is-not",
        ),
        pytest.param(
            WEB.annotate({LISTEN: "80"}), (80,), [], ["InvalidAnnotation"], id="unusable-none"
        ),
        pytest.param(WEB.tls("cert", "web.test"), (80,), [], TLS_ALONE, id="tls-host"),
        pytest.param(
            WEB.tls("cert", "WEB.test").host("plain.test").path("/", to="web:80"),
            (80,),
            ["http-80|plain.test"],
            TLS_ALONE,
            id="tls-host-beside-another",
        ),
        pytest.param(WEB.tls("cert", "*.test"), (80,), [], TLS_ALONE, id="tls-host-by-wildcard"),
        pytest.param(
            WEB.tls("cert"),
            (80,),
            ["http-80|web.test"],
            ["MissingSecret", "TlsWithoutHosts"],
            id="tls-without-hosts",
        ),
        pytest.param(
            WEB.tls("cert", "other.test"),
            (80,),
            ["http-80|web.test"],
            ["MissingSecret", "TlsHostWithoutRule"],
            id="tls-of-hosts-that-no-rule-has",
        ),
        pytest.param(
            BOTH.tls("cert", "web.test"),
            (80, 81),
            ["http-80|web.test", "http-81|web.test"],
            ["MissingSecret"],
            id="listen-ports-hold-for-tls-hosts-too",
        ),
    ],
)
def test_listeners_of_an_ingress(
    rule: IngressBuilder, ports: tuple[int, ...], hosts: list[str], problems: list[str]
) -> None:
    world = served(rule, ports=ports)
    assert tables(world) == hosts
    assert [reason for reason in world.problems("web") if reason != "NoMembers"] == problems


def test_entries_of_tls_without_hosts_are_one_problem_that_names_them() -> None:
    (problem,) = read(WEB.tls("used", "*.TEST").tls("idle").tls("other")).problems
    assert (problem.reason, problem.key) == ("TlsWithoutHosts", "spec.tls")
    assert problem.value == "idle, other"
    assert problem.effect == "no host is served on 443/HTTPS by it"
    assert read(WEB.tls("cert", "web.test")).problems == ()
    assert read(BOTH.tls("cert")).problems == ()


def test_only_an_ingress_that_is_served_shows_an_address() -> None:
    world = served(WEB, ports=(81,))
    row = world.translator.tables.statuses.of_ingresses
    assert row.rows[WEB.ref()].as_kubernetes() == {"loadBalancer": {}}
    world.put(alb_gateway(ports=(80, 81)).manifest)
    shown = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}
    assert row.rows[WEB.ref()].as_kubernetes() == shown


def test_rules_of_different_listeners_do_not_conflict() -> None:
    other = ingress("other", host="web.test").path("/", to="api:80").of_class("alb")
    world = served(WEB, other.annotate({LISTEN: '[{"HTTP":81}]'}), ports=(80, 81))
    assert tables(world) == ["http-80|web.test", "http-81|web.test"]
    assert "Conflict" not in [*world.problems("web"), *world.problems("other")]
    world.put(other.annotate({LISTEN: '[{"HTTP":80}]'}).manifest)
    assert "Conflict" in [*world.problems("web"), *world.problems("other")]


@pytest.mark.parametrize(
    ("annotations", "reason", "ends"),
    [
        pytest.param({}, "Conflict", "this rule is not served on 80/HTTP", id="conflict"),
        pytest.param(
            {f"{ALB}canary": "true", f"{ALB}canary-weight": "50"},
            "CanaryWithoutMain",
            "the canary takes no request on 81/HTTP",
            id="canary",
        ),
    ],
)
def test_what_goes_for_one_of_several_listeners_is_said_of_that_one(
    annotations: dict[str, str], reason: str, ends: str
) -> None:
    young = ingress("young", host="web.test").path("/", to="api:80").of_class("alb")
    young = young.annotate(annotations | {LISTEN: '[{"HTTP":80},{"HTTP":81}]'})
    old = WEB.created("2026-01-31T12:00:00Z")
    world = served(old, young.created("2026-02-01T12:00:00Z"), ports=(80, 81))
    row = world.translator.tables.statuses.of_ingresses.rows[young.ref()]
    (problem,) = [problem for problem in row.problems if problem.reason == reason]
    assert problem.effect.endswith(ends)


def test_a_default_backend_serves_the_listeners_of_its_ingress() -> None:
    rest = ingress("rest").default("web:80").of_class("alb").annotate({LISTEN: '[{"HTTP":81}]'})
    world = served(rest, ports=(80, 81))
    held = world.snapshots["alb/gw"]
    stars = {name: held[TypeUrl.SCOPED_ROUTE, name].origins for name in ("http-80|*", "http-81|*")}
    assert stars == {"http-80|*": (), "http-81|*": (rest.ref(),)}


# -- annotations -----------------------------------------------------------------------------------


def read(rule: IngressBuilder) -> IngressRules:
    return read_alb_ingress(rule.ref(), rule.model())


TWO_SERVICES = WEB.path("/api", to="api:80").default("api:80")


def test_annotations_of_nginx_that_the_dialect_does_not_know() -> None:
    annotations = {
        f"{NGINX}rewrite-target": "/x",
        f"{NGINX}backend-protocol": "GRPC",
        "mse.ingress.kubernetes.io/service-subset": "v1",
    }
    rules = read(TWO_SERVICES.annotate(annotations))
    assert [rule.path.value for rule in rules.everything if rule.host] == ["/", "/api", "/"]
    assert rules.problems == ()


@pytest.mark.parametrize(
    ("key", "reason", "expected"),
    [
        pytest.param(f"{ALB}orders", "UnknownAnnotation", f"{ALB}order", id="misspelt"),
        pytest.param(
            f"{ALB}conditions",
            "UnknownAnnotation",
            "an annotation that is known under alb.ingress.kubernetes.io/",
            id="family-without-a-name",
        ),
        pytest.param(
            f"{NGINX}canary-wieght", "UnknownAnnotation", f"{NGINX}canary-weight", id="under-nginx"
        ),
        pytest.param(
            f"{NGINX}whitelist-source-range",
            "NotSupported",
            "an annotation of ALB",
            id="restriction-of-nginx",
        ),
    ],
)
def test_annotations_that_the_dialect_does_not_have(key: str, reason: str, expected: str) -> None:
    rules = read(TWO_SERVICES.annotate({key: "10.0.0.0/8"}))
    assert [rule.path.value for rule in rules.everything if rule.host] == ["/", "/api", "/"]
    assert [(p.reason, p.key, p.expected) for p in rules.problems] == [(reason, key, expected)]


@pytest.mark.parametrize("prefix", [ALB, "nginx.ingress.kubernetes.io/"])
def test_a_canary_under_both_prefixes(prefix: str) -> None:
    annotations = {f"{prefix}canary": "true", f"{prefix}canary-weight": "7"}
    (canary,) = read(WEB.annotate(annotations)).canaries
    assert canary.split.weight == Weight(7, 100, f"{prefix}canary-weight")


def test_nginx_wins_and_spellings_of_mse_mean_nothing() -> None:
    weights = {
        f"{ALB}canary": "true",
        f"{ALB}canary-weight": "7",
        "nginx.ingress.kubernetes.io/canary-weight": "8",
        "mse.ingress.kubernetes.io/canary-weight-total": "10",
    }
    (canary,) = read(WEB.annotate(weights)).canaries
    assert canary.split.weight == Weight(8, 100, "nginx.ingress.kubernetes.io/canary-weight")


def test_spellings_of_alb_mean_nothing_to_an_mse_gateway() -> None:
    world = World()
    world.attach(HUB)
    main = WEB.of_class("mse").annotate({f"{ALB}canary": "true", f"{ALB}order": "1"})
    world.put(mse_gateway().manifest, main.manifest)
    assert tables(world, "mse/gw") == ["mse|web.test"]
    assert world.problems("web") == ["NoMembers"]


def test_a_backend_that_is_an_action_needs_the_action() -> None:
    rule = WEB.path("/x", to="maintenance:use-annotation")
    rules = read(rule)
    assert [r.path.value for r in rules.rules] == ["/"]
    at = "spec.rules[0].http.paths[1].backend.service.port"
    assert [(p.reason, p.key) for p in rules.problems] == [("InvalidBackend", at)]
    rules = read(rule.annotate({f"{ALB}actions.maintenance": "[]"}))
    assert [r.path.value for r in rules.rules] == ["/"]
    assert [p.reason for p in rules.problems] == ["InvalidAnnotation"]


# -- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path_type", "text", "path"),
    [
        pytest.param("Exact", "/a", Path(PathKind.EXACT, "/a"), id="exact"),
        pytest.param("Prefix", "/a/", Path(PathKind.PREFIX, "/a"), id="prefix"),
        pytest.param("Prefix", "/", Path(PathKind.PREFIX, "/"), id="everything"),
        pytest.param("ImplementationSpecific", "/a", Path(PathKind.EXACT, "/a"), id="plain"),
        pytest.param("ImplementationSpecific", "", Path(PathKind.PREFIX, "/"), id="empty"),
        pytest.param(
            "ImplementationSpecific", "/a.b/*", Path(PathKind.REGEX, r"/a\.b/.*"), id="any-run"
        ),
        pytest.param(
            "ImplementationSpecific", "/v?/x", Path(PathKind.REGEX, "/v./x"), id="one-character"
        ),
        pytest.param(
            "ImplementationSpecific",
            "/{ä}*",
            Path(PathKind.REGEX, "/%7B%C3%A4%7D.*", "/{ä}*"),
            id="as-requests-show-it",
        ),
    ],
)
def test_paths(path_type: str, text: str, path: Path) -> None:
    assert replace(alb_path(path_type, text), instructions=0) == path


@pytest.mark.parametrize(
    ("text", "short_only"),
    [
        pytest.param("/a/*", False, id="run-at-the-end"),
        pytest.param("/*/b*/c", False, id="runs"),
        pytest.param("/a??/*", False, id="characters-before-a-run"),
        pytest.param("/*/b?", True, id="characters-behind-a-run"),
    ],
)
def test_a_path_is_asked_of_short_paths_only_where_it_counts_characters_behind_a_run(
    text: str, short_only: bool
) -> None:
    assert alb_path("ImplementationSpecific", text).short_only is short_only


@pytest.mark.parametrize(
    ("path_type", "text"),
    [
        ("Exact", "/a*"),
        ("Exact", "/a?"),
        ("Exact", "a"),
        ("Prefix", "/a?"),
        ("ImplementationSpecific", "*"),
        ("ImplementationSpecific", "/a/../*"),
        ("ImplementationSpecific", "/a/%2e./*"),
        ("ImplementationSpecific", "/a b*"),
    ],
)
def test_paths_that_cannot_be_used(path_type: str, text: str) -> None:
    with pytest.raises(Unusable):
        alb_path(path_type, text)


def test_a_wrong_path_costs_its_rule_alone() -> None:
    rules = read(WEB.path("/a*", to="web:80", kind="Exact"))
    assert [rule.path.value for rule in rules.rules] == ["/"]
    assert [p.reason for p in rules.problems] == ["InvalidPath"]


def test_the_gateway_is_known_by_its_flavour() -> None:
    world = served(WEB, ports=(80,))
    row = world.translator.tables.statuses.of_ingresses.rows[Ref(HUB, "Ingress", "default", "web")]
    assert row.gateways == ("alb/gw",)
