"""The annotations of timeouts."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import ingress
from tests.translators.plans import MSE, NGINX
from tests.translators.wishes import NO_NUMBERS, cluster_of, route_of, serving, told, wishes
from translators.model.policy import Policy
from translators.policies.timeouts import ConnectTimeout, IdleTimeout, RequestTimeout

TIMEOUT = f"{MSE}timeout"
READ, SEND, CONNECT = (f"{NGINX}proxy-{of}-timeout" for of in ("read", "send", "connect"))


@pytest.mark.parametrize(
    ("annotations", "policies"),
    [
        pytest.param({TIMEOUT: "5"}, [RequestTimeout(timedelta(seconds=5))], id="request"),
        pytest.param({TIMEOUT: "0"}, [RequestTimeout(timedelta(0))], id="no-limit"),
        pytest.param({READ: "60"}, [IdleTimeout(timedelta(seconds=60))], id="read"),
        pytest.param({SEND: "60"}, [IdleTimeout(timedelta(seconds=60))], id="send"),
        pytest.param({SEND: "60", READ: "9"}, [IdleTimeout(timedelta(seconds=9))], id="read-wins"),
        pytest.param({CONNECT: "15"}, [ConnectTimeout(timedelta(seconds=15))], id="connect"),
    ],
)
def test_timeouts_are_read(annotations: dict[str, str], policies: list[Policy]) -> None:
    assert [*wishes(annotations)] == policies
    assert told(annotations) == []


@pytest.mark.parametrize("key", [TIMEOUT, READ, SEND, CONNECT])
@pytest.mark.parametrize("value", [*NO_NUMBERS, "31536001"])
def test_a_value_that_cannot_be_used_is_told_and_changes_nothing(key: str, value: str) -> None:
    assert wishes({key: value}) == ()
    assert told({key: value}) == [("InvalidAnnotation", key)]


@pytest.mark.parametrize(
    ("annotations", "timeouts"),
    [
        pytest.param({}, {"timeout": "0s"}, id="none"),
        pytest.param(
            {TIMEOUT: "5", READ: "60"}, {"timeout": "5s", "idle_timeout": "60s"}, id="both"
        ),
    ],
)
def test_a_route_has_its_timeouts(annotations: dict[str, str], timeouts: Any) -> None:  # noqa: ANN401 (JSON)
    action = route_of(serving(annotations))["route"]
    assert {key: value for key, value in action.items() if "timeout" in key} == timeouts


def test_connections_to_a_service_have_one_timeout_and_the_older_ingress_decides() -> None:
    old = ingress("old", host="old.test").path("/", to="shop:80").of_class("mse")
    world = serving({CONNECT: "3"}, old.created("2020-01-01T00:00:00Z").annotate({CONNECT: "2"}))
    assert cluster_of(world)["connect_timeout"] == "2s"
    assert world.problems("shop") == ["Overruled"]
    assert world.problems("old") == []
