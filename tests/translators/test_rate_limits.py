"""The annotations `limit-*` and `route-limit-*` ask for rates."""

from typing import Any

import pytest

from tests.translators.plans import MSE, NGINX, ingress_with, plan, problems
from tests.translators.policies import filters_of
from translators.envoy.filters import CLIENT_RATE_LIMIT, RATE_LIMIT

NO_LIMIT = {"max_tokens": 4294967295, "tokens_per_fill": 4294967295, "fill_interval": "1s"}


def limit(filter_name: str, annotations: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    (rule,) = plan(ingress_with("shop", "Exact /a to s:80", annotations=annotations)).rules
    return filters_of(rule).get(filter_name)


def told(annotations: dict[str, str]) -> list[tuple[str, str, str]]:
    shop = ingress_with("shop", "Exact /a to s:80", annotations=annotations)
    return [(p.key.partition("/")[2], p.value, p.effect) for p in problems(shop)]


def bucket(requests: int, seconds: int, burst: int) -> dict[str, object]:
    return {"max_tokens": burst, "tokens_per_fill": requests, "fill_interval": f"{seconds}s"}


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({"route-limit-rps": "10"}, bucket(10, 1, 50), id="rps"),
        pytest.param({"route-limit-rpm": "10"}, bucket(10, 60, 50), id="rpm"),
        pytest.param(
            {"route-limit-rpm": "10", "route-limit-rps": "20"}, bucket(10, 60, 50), id="rpm-first"
        ),
        pytest.param(
            {"route-limit-rps": "10", "route-limit-burst-multiplier": "1"},
            bucket(10, 1, 10),
            id="burst",
        ),
        pytest.param(
            {"route-limit-rpm": "0", "route-limit-rps": "20"}, bucket(20, 1, 100), id="none-by-rpm"
        ),
    ],
)
def test_a_rate_of_all_clients(annotations: dict[str, str], expected: object) -> None:
    spelt = {MSE + key: value for key, value in annotations.items()}
    assert limit(RATE_LIMIT, spelt)["token_bucket"] == expected
    assert limit(CLIENT_RATE_LIMIT, spelt) is None
    assert told(spelt) == []


def descriptors(annotations: dict[str, str]) -> list[tuple[list[tuple[str, str]], object]]:
    spelt = {NGINX + key: value for key, value in annotations.items()}
    made = limit(CLIENT_RATE_LIMIT, spelt)
    assert made["token_bucket"] == NO_LIMIT
    assert made["max_dynamic_descriptors"] == 20_000
    return [
        ([(e["key"], e.get("value", "")) for e in d["entries"]], d["token_bucket"])
        for d in made["descriptors"]
    ]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({"limit-rps": "10"}, {"1s": bucket(10, 1, 50)}, id="rps"),
        pytest.param({"limit-rpm": "30"}, {"60s": bucket(30, 60, 150)}, id="rpm"),
        pytest.param(
            {"limit-rps": "1", "limit-rpm": "30", "limit-burst-multiplier": "2"},
            {"1s": bucket(1, 1, 2), "60s": bucket(30, 60, 60)},
            id="both",
        ),
    ],
)
def test_a_rate_of_each_client(annotations: dict[str, str], expected: dict[str, object]) -> None:
    assert descriptors(annotations) == [
        ([("remote_address", ""), ("generic_key", name)], rate) for name, rate in expected.items()
    ]


@pytest.mark.parametrize("key", ["limit-whitelist", "limit-allowlist"])
def test_some_clients_are_not_counted(key: str) -> None:
    spelt = {NGINX + "limit-rps": "1", NGINX + key: "10.0.0.0/8, x"}
    made = limit(CLIENT_RATE_LIMIT, spelt)
    (rate_limit,) = made["rate_limits"]
    matcher = rate_limit["actions"][0]["remote_address_match"]["address_matcher"]
    assert matcher == {
        "ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}],
        "invert_match": True,
    }
    assert made["descriptors"][0]["entries"][0] == {
        "key": "remote_address_match",
        "value": "counted",
    }
    assert told(spelt) == [(key, "x", "no client is exempt by it")]


def test_a_client_that_is_not_counted_may_be_in_the_notation_of_ipv6() -> None:
    spelt = {NGINX + "limit-rps": "1", NGINX + "limit-whitelist": "::ffff:10.0.0.0/104"}
    (rate_limit,) = limit(CLIENT_RATE_LIMIT, spelt)["rate_limits"]
    (network,) = rate_limit["actions"][0]["remote_address_match"]["address_matcher"]["ranges"]
    assert network == {"address_prefix": "10.0.0.0", "prefix_len": 8}


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        pytest.param("", "ServiceUnavailable", [], id="absent"),
        pytest.param("429", "TooManyRequests", [], id="429"),
        pytest.param("444", "ServiceUnavailable", ["503 is the answer"], id="not-in-envoy"),
        pytest.param("200", "ServiceUnavailable", ["503 is the answer"], id="success"),
        pytest.param("503s", "ServiceUnavailable", ["503 is the answer"], id="unit"),
    ],
)
def test_the_answer_beyond_the_rate(value: str, code: str, expected: list[str]) -> None:
    spelt = {NGINX + "limit-rps": "1", NGINX + "limit-req-status-code": value}
    assert limit(CLIENT_RATE_LIMIT, spelt)["status"] == {"code": code}
    assert [effect for _, _, effect in told(spelt)] == expected


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "5r/s", "9" * 30, "1%", "1\n2"])
@pytest.mark.parametrize(
    ("key", "filter_name"),
    [
        (f"{NGINX}limit-rps", CLIENT_RATE_LIMIT),
        (f"{NGINX}limit-rpm", CLIENT_RATE_LIMIT),
        (f"{MSE}route-limit-rps", RATE_LIMIT),
        (f"{MSE}route-limit-rpm", RATE_LIMIT),
    ],
)
def test_a_rate_that_cannot_be_used_is_no_limit(key: str, filter_name: str, value: str) -> None:
    assert limit(filter_name, {key: value}) is None
    assert told({key: value}) == [(key.partition("/")[2], value, "there is no such limit")]


@pytest.mark.parametrize("value", ["0", "1001", "x", "2.5"])
def test_a_multiplier_that_cannot_be_used_is_five(value: str) -> None:
    spelt = {MSE + "route-limit-rps": "2", MSE + "route-limit-burst-multiplier": value}
    assert limit(RATE_LIMIT, spelt)["token_bucket"] == bucket(2, 1, 10)
    assert told(spelt) == [("route-limit-burst-multiplier", value, "5 holds")]


def test_the_highest_rate_fits_into_envoys_numbers() -> None:
    spelt = {MSE + "route-limit-rps": "1000000", MSE + "route-limit-burst-multiplier": "1000"}
    assert limit(RATE_LIMIT, spelt)["token_bucket"]["max_tokens"] < 2**32
