"""The annotations `*-source-range` ask for lists of client addresses."""

from typing import Any

import pytest

from fleet.models import Ingress
from fleet.ref import HUB, Ref
from tests.translators.plans import MSE, NGINX, ingress_with, plan, problems
from translators.dialects.annotations.closed import CLOSED
from translators.dialects.mse.ingress import read_mse_ingress
from translators.model.edge import Network
from translators.policies.sources import HostSources, RouteSources

V4, V6 = "0.0.0.0/0", "::/0"


def shop(annotations: dict[str, str], path: str = "/a", name: str = "shop") -> Ingress:
    return ingress_with(name, f"Exact {path} to s:80", annotations=annotations)


def shown(networks: tuple[Network, ...] | None) -> list[str] | None:
    return None if networks is None else [str(network) for network in networks]


def lists(annotations: dict[str, str]) -> Any:  # noqa: ANN401 (two lists, or None)
    """Return the allowed and the denied networks of the only rule."""
    (rule,) = plan(shop(annotations)).rules
    found = [each.sources for each in rule.policies if isinstance(each, RouteSources)]
    return [(shown(each.allowed), shown(each.denied)) for each in found]


def told(annotations: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(p.key.partition("/")[2], p.value, p.effect) for p in problems(shop(annotations))]


def is_closed(annotations: dict[str, str]) -> bool:
    (rule,) = plan(shop(annotations)).rules
    return rule.action == CLOSED


@pytest.mark.parametrize(
    ("value", "networks"),
    [
        pytest.param("10.0.0.1", ["10.0.0.1/32"], id="address"),
        pytest.param("10.0.0.0/8, ::1", ["10.0.0.0/8", "::1/128"], id="both-families"),
        pytest.param("10.1.2.3/8,", ["10.0.0.0/8"], id="bits-behind-the-prefix"),
        pytest.param("10.0.0.1,10.0.0.1/32", ["10.0.0.1/32"], id="twice"),
        pytest.param("::ffff:10.0.0.0/104", ["10.0.0.0/8"], id="mapped"),
        pytest.param("*", [V4, V6], id="star"),
        pytest.param(V4, [V4, V6], id="everybody"),
        pytest.param(V6, [V6], id="all-of-ipv6"),
    ],
)
@pytest.mark.parametrize(
    ("key", "place"),
    [
        (f"{NGINX}allowlist-source-range", 0),
        (f"{NGINX}whitelist-source-range", 0),
        (f"{NGINX}denylist-source-range", 1),
        (f"{MSE}blacklist-source-range", 1),
    ],
)
def test_a_list_is_read(key: str, place: int, value: str, networks: list[str]) -> None:
    expected: list[list[str] | None] = [None, []]
    expected[place] = networks
    assert lists({key: value}) == [tuple(expected)]
    assert told({key: value}) == []


BAD = [
    pytest.param("10.0.0.0/33", id="prefix-length"),
    pytest.param("10.0.0", id="three-numbers"),
    pytest.param("fe80::1%eth0", id="zone"),
    pytest.param("example.com", id="name"),
    pytest.param("10.0.0.1 10.0.0.2", id="blank"),
    pytest.param("10.0.0.1\n10.0.0.2", id="newline"),
    pytest.param("010.0.0.1", id="leading-zero"),
    pytest.param("9" * 5000, id="huge"),
    pytest.param("false", id="no-list"),
]


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("key", ["allowlist-source-range", "whitelist-source-range"])
def test_an_allowed_item_that_cannot_be_used_is_dropped_alone(key: str, value: str) -> None:
    annotations = {NGINX + key: f"10.0.0.1,{value}"}
    assert lists(annotations) == [(["10.0.0.1/32"], [])]
    assert told(annotations) == [(key, value, "nobody is allowed by it")]


@pytest.mark.parametrize("value", BAD)
def test_without_a_usable_item_nobody_is_allowed(value: str) -> None:
    annotations = {NGINX + "whitelist-source-range": value}
    assert lists(annotations) == [([], [])]
    assert told(annotations) == [("whitelist-source-range", value, "nobody may use its paths")]


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("key", [f"{NGINX}denylist-source-range", f"{MSE}blacklist-source-range"])
def test_a_denied_item_that_cannot_be_used_closes_the_paths(key: str, value: str) -> None:
    annotations = {key: f"10.0.0.1,{value}"}
    assert is_closed(annotations)
    ((_, _, effect),) = told(annotations)
    assert effect == "its paths are answered with 503"


def test_lists_have_a_bound() -> None:
    many = ",".join(f"10.0.{n // 256}.{n % 256}" for n in range(1100))
    allowed = {NGINX + "allowlist-source-range": many}
    ((networks, _),) = lists(allowed)
    assert len(networks) == 1024
    assert told(allowed) == [("allowlist-source-range", "1100 items", "nobody is allowed by it")]
    assert is_closed({NGINX + "denylist-source-range": many})


def test_the_first_of_two_names_counts() -> None:
    both = {
        f"{NGINX}whitelist-source-range": "10.0.0.1",
        f"{NGINX}allowlist-source-range": "10.0.0.2",
        f"{MSE}blacklist-source-range": "10.0.0.3",
        f"{NGINX}denylist-source-range": "10.0.0.4",
    }
    assert lists(both) == [(["10.0.0.2/32"], ["10.0.0.4/32"])]


@pytest.mark.parametrize(
    ("key", "value", "restricted"),
    [
        pytest.param("allowlist-source-range", "10.0.0.1", True, id="some"),
        pytest.param("allowlist-source-range", "x", True, id="nobody"),
        pytest.param("allowlist-source-range", "*", False, id="everybody"),
        pytest.param("allowlist-source-range", V6, True, id="one-family"),
        pytest.param("denylist-source-range", "10.0.0.1", True, id="denied"),
        pytest.param("denylist-source-range", "x", True, id="denied-unreadable"),
    ],
)
def test_a_list_guards_its_host(key: str, value: str, restricted: bool) -> None:
    assert plan(shop({NGINX + key: value})).guarded is restricted


def host_lists(*ingresses: Ingress) -> list[tuple[list[str] | None, list[str] | None]]:
    policies = plan(*ingresses).policies
    found = [each.sources for each in policies if isinstance(each, HostSources)]
    return [(shown(each.allowed), shown(each.denied)) for each in found]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({"whitelist": "::1"}, (["::1/128"], []), id="allowed"),
        pytest.param({"whitelist": "::1, x"}, (["::1/128"], []), id="one-of-two"),
        pytest.param({"whitelist": "x"}, ([], []), id="allowed-unreadable"),
        pytest.param({"blacklist": "10.0.0.1"}, (None, ["10.0.0.1/32"]), id="denied"),
        pytest.param({"blacklist": "10.0.0.1, x"}, ([], []), id="denied-unreadable"),
        pytest.param({"whitelist": "*", "blacklist": "::1"}, ([V4, V6], ["::1/128"]), id="both"),
        pytest.param({"whitelist": "*", "blacklist": "x"}, ([], []), id="one-unreadable"),
    ],
)
def test_a_list_of_a_host(
    annotations: dict[str, str], expected: tuple[list[str] | None, list[str]]
) -> None:
    spelt = {f"{MSE}domain-{key}-source-range": value for key, value in annotations.items()}
    other = shop({}, "/b", "other")
    assert host_lists(shop(spelt), other) == [expected]
    assert plan(shop(spelt), other).guarded
    assert all(rule.action != CLOSED for rule in plan(shop(spelt), other).rules)


def test_the_older_of_two_lists_of_a_host_holds() -> None:
    key = f"{MSE}domain-whitelist-source-range"
    old = ingress_with(
        "old", "Exact /a to s:80", created="2020-01-01T00:00:00Z", annotations={key: "10.0.0.1"}
    )
    new = ingress_with("new", "Exact /b to s:80", annotations={key: "10.0.0.2"})
    assert host_lists(old, new) == [(["10.0.0.1/32"], [])]
    assert [(p.at.name, p.reason) for p in problems(old, new)] == [("new", "Overruled")]


def test_the_lists_of_a_canary_have_no_effect_and_it_is_told() -> None:
    main = shop({NGINX + "whitelist-source-range": "10.0.0.1"})
    gray = {
        NGINX + "canary": "true",
        NGINX + "canary-by-header": "stage",
        NGINX + "denylist-source-range": "x",
    }
    canary = ingress_with("gray", "Exact /a to new:80", annotations=gray)
    rules = plan(main, canary).rules
    assert [
        [shown(each.sources.allowed) for each in rule.policies if isinstance(each, RouteSources)]
        for rule in rules
    ] == [[["10.0.0.1/32"]]] * 3
    read = read_mse_ingress(Ref(HUB, "Ingress", "default", "gray"), canary)
    assert [(p.reason, p.effect) for p in read.problems] == [
        ("CanaryAccessRule", "no effect: the main rule's hold")
    ]


@pytest.mark.parametrize(
    ("value", "either"), [("any", True), ("all", False), ("ANY", False), ("both", False)]
)
def test_satisfy(value: str, either: bool) -> None:
    annotations = {NGINX + "satisfy": value, NGINX + "allowlist-source-range": "10.0.0.1"}
    (rule,) = plan(shop(annotations)).rules
    (policy,) = [each for each in rule.policies if isinstance(each, RouteSources)]
    assert policy.or_authenticated is either
    known = value in {"any", "all"}
    assert told(annotations) == ([] if known else [("satisfy", value, "both are demanded")])
