"""An annotation that restricts access and cannot be carried out lets nobody in."""

import pytest

from fleet.models import Ingress
from fleet.ref import HUB, Ref
from tests.translators.plans import NGINX, ingress_with, plan
from translators.dialects.annotations.closed import CLOSED
from translators.dialects.annotations.reader import Key
from translators.dialects.annotations.unsupported import Without
from translators.dialects.mse.features import FEATURES, read_features
from translators.dialects.mse.ingress import read_mse_ingress
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED
from translators.model.policy import Policy
from translators.policies.client_certificates import ClientCertificates
from translators.policies.sources import HostSources, RouteSources

CARRIED = [key for feature in FEATURES for key in feature.keys]
RESTRICTING = [key for key in CARRIED if key.restricts]
ACCESS = [
    key for feature in FEATURES if any(k.restricts for k in feature.keys) for key in feature.keys
]
"""The keys of features that restrict access."""
NOT_CARRIED = [
    row.key
    for row in MSE_UNSUPPORTED
    if row.otherwise is Without.CLOSED and row.key.name not in {key.name for key in CARRIED}
]

BESIDE = {
    "auth-type": {"auth-secret": "users"},
    "auth-secret": {"auth-type": "basic"},
    "auth-method": {"auth-url": "http://auth.default.svc/"},
    "auth-response-headers": {"auth-url": "http://auth.default.svc/"},
}
"""Usable annotations without which the key has no meaning."""

UNUSABLE = {
    "control-character": "\x00",
    "two-lines": "a\nb",
    "percent": "%",
    "variable": "$1",
    "no-ascii": "é",
    "boolean": "true",
    "number": "-1",
    "huge": "x" * 100_000,
}

NAMES = {
    "auth-response-headers": {"boolean", "number"},
    "auth-secret": {"boolean"},
    "auth-tls-secret": {"boolean"},
}
"""Values that are names of something, and so can be used."""


def named(key: Key) -> str:
    return key.name


def shop(annotations: dict[str, str]) -> Ingress:
    return ingress_with("shop", "Exact /a to s:80", annotations=annotations)


def allows_nobody(policy: Policy) -> bool:
    if isinstance(policy, ClientCertificates):
        return policy.secret is None
    return isinstance(policy, RouteSources | HostSources) and policy.sources.allowed == ()


def lets_nobody_in(annotations: dict[str, str]) -> bool:
    of_host = plan(shop(annotations))
    (rule,) = of_host.rules
    closing = rule.action == CLOSED or any(map(allows_nobody, (*rule.policies, *of_host.policies)))
    return closing and of_host.guarded


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(key, value, id=f"{key.name}-{kind}")
        for key in RESTRICTING
        for kind, value in UNUSABLE.items()
        if kind not in NAMES.get(key.name, ())
    ],
)
def test_an_unusable_value_lets_nobody_in_and_is_told(key: Key, value: str) -> None:
    beside = {NGINX + name: text for name, text in BESIDE.get(key.name, {}).items()}
    for spelling in key.spellings:
        annotations = {**beside, spelling: value}
        assert lets_nobody_in(annotations)
        read = read_mse_ingress(Ref(HUB, "Ingress", "default", "shop"), shop(annotations))
        assert spelling in [problem.key for problem in read.problems]


@pytest.mark.parametrize("key", NOT_CARRIED, ids=named)
def test_a_key_without_effect_lets_nobody_in(key: Key) -> None:
    for spelling in key.spellings:
        text = "deny all;" if "snippet" in key.name else "on"
        assert lets_nobody_in({spelling: text})


@pytest.mark.parametrize("key", [*RESTRICTING, *NOT_CARRIED], ids=named)
def test_a_value_that_is_no_text_lets_nobody_in(key: Key) -> None:
    for spelling in key.spellings:
        wanted, problems = read_features(Ref(HUB, "Ingress", "default", "shop"), {}, [spelling])
        (rule,) = plan(shop({})).rules
        for change in wanted.changes:
            rule = change(rule)
        assert (rule.action, rule.restricted) == (CLOSED, True)
        assert [problem.key for problem in problems] == [spelling]
        if key in RESTRICTING:
            assert problems[0].expected == "a text"


@pytest.mark.parametrize("value", ["true", "a\nb"], ids=["boolean", "unusable"])
@pytest.mark.parametrize("key", ACCESS, ids=named)
def test_a_canary_is_told_that_the_rules_of_its_main_hold(key: Key, value: str) -> None:
    """It is told nothing else, as no other effect of its annotation happens."""
    at = Ref(HUB, "Ingress", "default", "gray")
    canary = {NGINX + "canary": "true", NGINX + "canary-weight": "10"}
    for spelling in key.spellings:
        _, problems = read_features(at, {**canary, spelling: value})
        effects = [(problem.key, problem.effect) for problem in problems]
        assert effects == [(spelling, "no effect: the main rule's hold")]
