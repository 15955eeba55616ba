"""Edge settings are read from a gateway's annotations, and unusable values are reported."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network

import pytest

from fleet.problem import Problem
from fleet.ref import HUB, Ref
from translators.dialects.edge_settings import (
    MOST_TRUSTED,
    PATH_NORMALIZATION,
    PROXY_PROTOCOL,
    STREAM_IDLE_TIMEOUT,
    TRUSTED_PROXIES,
    read_edge,
)
from translators.model.edge import EdgeSettings, PathNormalization

GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")


def read(annotations: Mapping[str, str]) -> tuple[EdgeSettings, list[Problem]]:
    problems: list[Problem] = []
    return read_edge(GATEWAY, annotations, problems), problems


def test_without_annotations_the_defaults_hold() -> None:
    assert read({}) == (EdgeSettings(), [])


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param(
            {PATH_NORMALIZATION: "strict"},
            EdgeSettings(paths=PathNormalization.STRICT),
            id="strict-paths",
        ),
        pytest.param({PATH_NORMALIZATION: " base "}, EdgeSettings(), id="base-paths"),
        pytest.param(
            {TRUSTED_PROXIES: "10.0.0.0/8, 192.0.2.7,2001:db8::/32 ,, 10.0.0.0/8"},
            EdgeSettings(
                trusted=tuple(map(ip_network, ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")))
            ),
            id="trusted-proxies",
        ),
        pytest.param(
            {TRUSTED_PROXIES: "10.1.2.3/8,0.0.0.0/0"},
            EdgeSettings(trusted=(ip_network("10.0.0.0/8"), ip_network("0.0.0.0/0"))),
            id="bits-behind-a-prefix",
        ),
        pytest.param(
            {TRUSTED_PROXIES: "10.0.0.0/8", PROXY_PROTOCOL: "true"},
            EdgeSettings(trusted=(ip_network("10.0.0.0/8"),), proxy_protocol=True),
            id="proxy-protocol",
        ),
        pytest.param({PROXY_PROTOCOL: "false"}, EdgeSettings(), id="no-proxy-protocol"),
        pytest.param(
            {STREAM_IDLE_TIMEOUT: "3600s"}, EdgeSettings(stream_idle=timedelta(hours=1)), id="hour"
        ),
        pytest.param(
            {STREAM_IDLE_TIMEOUT: "86400s"}, EdgeSettings(stream_idle=timedelta(days=1)), id="day"
        ),
        pytest.param(dict.fromkeys((TRUSTED_PROXIES, PROXY_PROTOCOL), ""), EdgeSettings(), id="-"),
    ],
)
def test_settings(annotations: Mapping[str, str], expected: EdgeSettings) -> None:
    assert read(annotations) == (expected, [])


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        pytest.param(
            {PATH_NORMALIZATION: "none"},
            "'none' (expected base or strict); base holds",
            id="unknown-normalization",
        ),
        pytest.param(
            {PROXY_PROTOCOL: "on"},
            "'on' (expected true or false); false holds",
            id="no-boolean",
        ),
        pytest.param(
            {STREAM_IDLE_TIMEOUT: "0s"},
            "'0s' (expected a time from 1s to 86400s, such as 60s or 3600s); 300s holds",
            id="too-short",
        ),
        pytest.param(
            {STREAM_IDLE_TIMEOUT: "300"},
            "'300' (expected a time from 1s to 86400s, such as 60s or 3600s); 300s holds",
            id="no-unit",
        ),
    ],
)
def test_a_value_that_cannot_be_used_leaves_the_default(
    annotations: Mapping[str, str], said: str
) -> None:
    settings, (problem,) = read(annotations)
    assert settings == EdgeSettings()
    ((key, _),) = annotations.items()
    assert (problem.reason, problem.message) == ("InvalidAnnotation", f"{key}: {said}")


@pytest.mark.parametrize("item", ["10.0.0.0/33", "lb.example", "fe80::1%eth0", "10.0.0", "*", "/8"])
def test_an_item_that_is_no_address_is_dropped_alone(item: str) -> None:
    settings, (problem,) = read({TRUSTED_PROXIES: f"{item},192.0.2.0/24"})
    assert settings.trusted == (ip_network("192.0.2.0/24"),)
    assert (problem.key, problem.value) == (TRUSTED_PROXIES, item)
    assert problem.effect == "nothing is trusted by it"


def test_more_proxies_than_a_request_can_be_compared_with_are_reported() -> None:
    text = ",".join(f"10.0.{n // 256}.{n % 256}" for n in range(MOST_TRUSTED + 1))
    settings, (problem,) = read({TRUSTED_PROXIES: text})
    assert len(settings.trusted) == MOST_TRUSTED
    assert problem.value == f"{MOST_TRUSTED + 1} items"


@pytest.mark.parametrize("proxies", ["", "lb.example"], ids=["none", "none-usable"])
def test_proxy_protocol_without_a_trusted_proxy_is_reported(proxies: str) -> None:
    _, problems = read({TRUSTED_PROXIES: proxies, PROXY_PROTOCOL: "true"})
    assert problems[-1].reason == "NoTrustedProxies"
    assert problems[-1].key == PROXY_PROTOCOL
