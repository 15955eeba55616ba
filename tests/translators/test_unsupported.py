"""Annotations without effect are reported, and one that restricts access closes the paths."""

from collections.abc import Iterator

import pytest

from fleet.events import Upserted
from fleet.models import Ingress
from fleet.parse import parse
from fleet.ref import HUB, Ref
from tests.support.builders import ingress as manifest_of
from tests.translators.plans import MSE, NGINX, ingress_with, plan, problems
from translators.dialects import DIALECTS
from translators.dialects.alb import features as alb_features
from translators.dialects.alb.ingress import read_alb_ingress
from translators.dialects.alb.unsupported import ALB_UNSUPPORTED
from translators.dialects.annotations.closed import CLOSED
from translators.dialects.annotations.reader import ALB, HIGRESS, Key
from translators.dialects.annotations.unsupported import Unsupported, Without
from translators.dialects.annotations.vocabulary import MAX_SUGGESTIONS
from translators.dialects.mse import features
from translators.dialects.mse.ingress import read_mse_ingress
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED
from translators.model.actions import Forward

SHOP = Ref(HUB, "Ingress", "default", "shop")


def shop(annotations: dict[str, str]) -> list[str]:
    """Read an Ingress with a path and a default backend, and return its problems."""
    made = ingress_with("shop", "Exact /a to web:80", default="rest:80", annotations=annotations)
    return [f"{p.reason} {p.key}: {p.effect}" for p in read_mse_ingress(SHOP, made).problems]


def is_closed(annotations: dict[str, str]) -> bool:
    """Return whether the paths of the Ingress are closed. Either all are, or none."""
    made = ingress_with("shop", "Exact /a to web:80", default="rest:80", annotations=annotations)
    rules = read_mse_ingress(SHOP, made).everything
    assert len(rules) == 3, "the path, and the default of the host and of all others"
    (closed,) = {(rule.action == CLOSED, rule.restricted) for rule in rules}
    assert closed in {(True, True), (False, False)}
    return closed[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(f"{NGINX}enable-modsecurity", "true", id="firewall"),
        pytest.param(f"{MSE}enable-modsecurity", "on", id="firewall-of-mse"),
        pytest.param(f"{HIGRESS}enable-owasp-core-rules", "true", id="firewall-of-higress"),
        pytest.param(f"{NGINX}auth-snippet", "deny all;", id="snippet"),
        pytest.param(f"{NGINX}modsecurity-snippet", "false", id="rules-that-are-no-switch"),
        pytest.param(f"{NGINX}configuration-snippet", "allow 10.0.0.0/8;\ndeny all;", id="deny"),
        pytest.param(f"{NGINX}server-snippet", "if ($x) { return 403; }", id="return-403"),
        pytest.param(f"{NGINX}server-snippet", "if ($x) { return 503; }", id="return-503"),
        pytest.param(f"{NGINX}configuration-snippet", "internal;", id="internal"),
        pytest.param(f"{NGINX}server-snippet", "modsecurity on;", id="firewall-in-a-snippet"),
        pytest.param(
            f"{NGINX}configuration-snippet",
            "rewrite_by_lua_block { ngx.exit(ngx.HTTP_FORBIDDEN) }",
            id="script-that-refuses",
        ),
    ],
)
def test_what_restricts_or_narrows_closes_the_paths_and_is_told(key: str, value: str) -> None:
    assert is_closed({key: value})
    (told,) = shop({key: value})
    assert told.startswith(f"NotSupported {key}: its paths are answered with 503")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        pytest.param("whitelist-source-range", " ", None, id="blank"),
        pytest.param("whitelist-source-range", "10.0.0.0/8, 0.0.0.0/0", None, id="everybody"),
        pytest.param("allowlist-source-range", "*", None, id="star"),
        pytest.param(
            "auth-snippet",
            "proxy_set_header X-Forwarded-Host $http_host;\n",
            None,
            id="snippet-of-what-is-said-anyway",
        ),
        pytest.param("satisfy", "all", None, id="satisfy-all"),
        pytest.param("enable-modsecurity", "false", None, id="firewall-off"),
        pytest.param("enable-global-auth", "false", None, id="without-global-auth"),
        pytest.param("enable-cors", "false", None, id="without-cors"),
        pytest.param("enable-cors", "true", None, id="cors"),
        pytest.param(
            "configuration-snippet",
            'more_set_headers "x-frame-options: DENY";',
            "no effect: Envoy cannot run NGINX's directives",
            id="snippet-about-headers",
        ),
        pytest.param(
            "server-snippet",
            "location = /.well-known/carddav { return 301 $scheme://$host/remote.php/dav; }",
            "no effect: Envoy cannot run NGINX's directives",
            id="snippet-that-redirects",
        ),
        pytest.param(
            "influxdb-host",
            "10.0.0.1",
            "no effect: ingress-nginx has removed it too",
            id="never-to-come",
        ),
        pytest.param("proxy-buffering", "on", None, id="tuning-of-nginx"),
        pytest.param("proxy-buffer-size", "8k", None, id="more-tuning"),
    ],
)
def test_what_restricts_nobody_leaves_the_paths_open(
    key: str, value: str, told: str | None
) -> None:
    annotations = {NGINX + key: value}
    assert not is_closed(annotations)
    assert shop(annotations) == ([f"NotSupported {NGINX}{key}: {told}"] if told else [])


def test_a_closed_path_stays_its_ingresss_own() -> None:
    closed = ingress_with(
        "closed",
        "Exact /a to web:80",
        created="2020-01-01T00:00:00Z",
        annotations={f"{NGINX}enable-modsecurity": "true"},
    )
    other = ingress_with("other", "Exact /a to other:80", "Prefix / to other:80")
    gray = {f"{NGINX}canary": "true", f"{NGINX}canary-weight": "100"}
    canary = ingress_with("gray", "Exact /a to gray:80", annotations=gray)
    rules = plan(closed, other, canary).rules
    assert [(rule.origin.name, str(rule.path), rule.action == CLOSED) for rule in rules] == [
        ("closed", "Exact /a", True),
        ("other", "Prefix /", False),
    ]
    assert [p.reason for p in problems(closed, other)] == ["NotSupported", "Conflict"]


UNREADABLE = ["10.0.0.0/8"]
"""A list, where annotations are texts."""


@pytest.mark.parametrize(
    ("class_name", "key", "served"),
    [
        pytest.param("mse", f"{NGINX}whitelist-source-range", {503}, id="whitelist"),
        pytest.param("mse", f"{MSE}exact-match-header-stage", {503}, id="header"),
        pytest.param("mse", f"{NGINX}enable-modsecurity", {503}, id="firewall"),
        pytest.param("mse", f"{NGINX}satisfy", {200}, id="satisfy-all-holds"),
        pytest.param("mse", f"{NGINX}enable-cors", {200}, id="cors"),
        pytest.param("mse", f"{NGINX}canary", {200}, id="canary-is-an-ordinary-ingress"),
        pytest.param("alb", f"{ALB}listen-ports", set(), id="listeners"),
        pytest.param("alb", f"{ALB}conditions.web", set(), id="conditions"),
        pytest.param("alb", f"{ALB}sticky-session", {200}, id="sticky-session"),
    ],
)
def test_an_annotation_whose_value_is_no_text_restricts_all_the_same(
    class_name: str, key: str, served: set[int]
) -> None:
    made = manifest_of("shop", host="shop.test").path("/", to="web:80").annotate({key: UNREADABLE})
    found = parse(made.manifest, HUB, "hub/shop.yaml", DIALECTS.kinds)
    assert isinstance(found, Upserted)
    assert isinstance(found.value, Ingress)
    read = read_mse_ingress if class_name == "mse" else read_alb_ingress
    rules = read(SHOP, found.value).rules
    actions = {503 if rule.action == CLOSED else 200 for rule in rules}
    assert actions == served


MAIN = ingress_with("main", "Exact /a to main:80", created="2020-01-01T00:00:00Z")
GRAY = {f"{NGINX}canary": "true", f"{NGINX}canary-by-header": "stage"}


@pytest.mark.parametrize(
    ("key", "picks", "effect"),
    [
        pytest.param(
            f"{NGINX}enable-modsecurity",
            2,
            "no effect: the main rule's hold",
            id="access-rules-are-those-of-the-main",
        ),
        pytest.param(
            f"{MSE}match-method",
            0,
            "the canary takes no request",
            id="narrowed-it-takes-nothing",
        ),
    ],
)
def test_a_canary_that_would_be_restricted(key: str, picks: int, effect: str) -> None:
    gray = ingress_with("gray", "Exact /a to gray:80", annotations={**GRAY, key: "10.0.0.1"})
    rules = plan(MAIN, gray).rules
    assert all(isinstance(rule.action, Forward) for rule in rules)
    assert sum(bool(rule.conditions) for rule in rules) == picks
    assert effect in [problem.effect for problem in problems(MAIN, gray)]


def test_what_a_main_is_restricted_by_holds_for_its_canaries() -> None:
    closed = {f"{NGINX}enable-modsecurity": "true"}
    main = ingress_with("main", "Exact /a to main:80", annotations=closed)
    gray = ingress_with("gray", "Exact /a to gray:80", annotations=GRAY)
    (rule,) = plan(main, gray).rules
    assert (rule.action, rule.restricted) == (CLOSED, True)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        pytest.param(f"{NGINX}canary-wieght", f"{NGINX}canary-weight", id="misspelt"),
        pytest.param(f"{NGINX}Auth-URL", f"{NGINX}auth-url", id="capitals"),
        pytest.param(f"{NGINX}rewrite_target", f"{NGINX}rewrite-target", id="underscore"),
        pytest.param(f"{NGINX}service-subset", f"{MSE}service-subset", id="of-mse-under-nginx"),
        pytest.param(f"{NGINX}timeout", f"{MSE}timeout", id="later-one-of-mse-under-nginx"),
        pytest.param(f"{HIGRESS}destinaton", f"{HIGRESS}destination", id="under-higress"),
        pytest.param(
            f"{MSE}exact-match-header-",
            "an annotation that is known under mse.ingress.kubernetes.io/",
            id="family-without-a-name",
        ),
        pytest.param(
            f"{MSE}zzz",
            "an annotation that is known under mse.ingress.kubernetes.io/",
            id="like-nothing",
        ),
        pytest.param(
            "fleetgate.dev/upstream-timeout",
            "an annotation of Ingresses; those of fleetgate.dev/ are for gateways and members",
            id="of-gateways",
        ),
    ],
)
def test_an_annotation_that_nobody_knows_is_told_with_what_was_meant(key: str, meant: str) -> None:
    made = ingress_with("shop", "Exact /a to web:80", annotations={key: "x"})
    (problem,) = read_mse_ingress(SHOP, made).problems
    assert (problem.reason, problem.key, problem.expected) == ("UnknownAnnotation", key, meant)
    assert problem.effect == "it has no effect"


@pytest.mark.parametrize(
    "key",
    ["kubernetes.io/ingress.class", "x", f"{ALB}order", "cert-manager.io/issuer", "a.higress.io/x"],
)
def test_annotations_of_others_are_theirs(key: str) -> None:
    assert shop({key: "x"}) == []


def test_what_was_meant_is_looked_for_a_few_times() -> None:
    keys = {f"{NGINX}canary-wieght{n:03}": "1" for n in range(MAX_SUGGESTIONS + 5)}
    made = ingress_with("shop", "Exact /a to web:80", annotations=keys)
    expected = [problem.expected for problem in read_mse_ingress(SHOP, made).problems]
    assert len(expected) == MAX_SUGGESTIONS + 5
    assert expected.count(f"{NGINX}canary-weight") == MAX_SUGGESTIONS


def _carried(dialect: str) -> Iterator[Key]:
    for feature in (features if dialect == "mse" else alb_features).FEATURES:
        yield from feature.keys


@pytest.mark.parametrize(
    ("dialect", "table"),
    [
        pytest.param("mse", MSE_UNSUPPORTED, id="mse"),
        pytest.param("alb", ALB_UNSUPPORTED, id="alb"),
    ],
)
def test_an_annotation_stands_in_one_place(dialect: str, table: tuple[Unsupported, ...]) -> None:
    carried = [spelling for key in _carried(dialect) for spelling in key.spellings]
    later = [spelling for row in table for spelling in row.key.spellings]
    assert len(set(carried)) == len(carried)
    assert len(set(later)) == len(later)
    assert {row.otherwise for row in table} <= set(Without) - {Without.OPEN}
