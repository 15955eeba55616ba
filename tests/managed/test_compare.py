"""Only a difference in a field that fleetgate has set is a difference."""

from typing import Any, TypeAlias

import pytest

from fleetgate.hub.managed.compare import is_autoscaled, shown

Json: TypeAlias = Any  # as an API server has it

WANTED: Json = {
    "spec": {
        "replicas": 3,
        "args": ["--concurrency", "2"],
        "containers": [{"name": "envoy", "image": "envoy:1"}],
    }
}


def live(**spec: Json) -> Json:
    return {"status": {"readyReplicas": 1}, "spec": {**WANTED["spec"], **spec}}


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(live(), id="equal"),
        pytest.param(live(paused=False), id="defaults"),
        pytest.param(
            live(containers=[{"name": "envoy", "image": "envoy:1", "tty": False}]),
            id="defaults-in-a-list",
        ),
        pytest.param(
            live(containers=[{"name": "other"}, {"name": "envoy", "image": "envoy:1"}]),
            id="somebody-elses-item",
        ),
    ],
)
def test_what_others_have_set_is_no_difference(found: Json) -> None:
    assert shown(WANTED, found) == WANTED


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(live(replicas=1), id="value"),
        pytest.param({"spec": {}}, id="fields-gone"),
        pytest.param({}, id="part-gone"),
        pytest.param(None, id="object-gone"),
        pytest.param(live(args=["--concurrency", "2", "--more"]), id="plain-list"),
        pytest.param(live(containers=[{"name": "envoy", "image": "envoy:2"}]), id="in-a-list"),
        pytest.param(live(containers=[{"name": "other", "image": "envoy:1"}]), id="item-gone"),
        pytest.param(live(containers=None), id="list-gone"),
    ],
)
def test_what_fleetgate_has_set_is_one(found: Json) -> None:
    assert shown(WANTED, found) != WANTED


@pytest.mark.parametrize(
    ("manager", "subresource", "expected"),
    [
        pytest.param("kube-controller-manager", "scale", True, id="autoscaler"),
        pytest.param("kubectl", "scale", False, id="somebody-by-hand"),
        pytest.param("kube-controller-manager", "status", False, id="its-status"),
    ],
)
def test_replicas_are_an_autoscalers_once_it_has_set_them(
    manager: str, subresource: str, expected: bool
) -> None:
    fields = [{"manager": "fleetgate"}, {"manager": manager, "subresource": subresource}]

    assert is_autoscaled({"metadata": {"managedFields": fields}}) is expected
