"""The annotations `proxy-next-upstream`, `-tries` and `-timeout`, and the retries that follow."""

from datetime import timedelta

import pytest

from tests.translators.plans import MSE, NGINX
from tests.translators.wishes import NO_NUMBERS, host_of, route_of, serving, told, wishes
from translators.envoy.retries import RETRIES, RETRY_ON
from translators.policies.retries import Retries

WORDS, TRIES, EACH = (f"{NGINX}proxy-next-upstream{end}" for end in ("", "-tries", "-timeout"))


@pytest.mark.parametrize(
    ("annotations", "policy"),
    [
        pytest.param({WORDS: "error timeout"}, Retries(), id="default"),
        pytest.param({WORDS: " error, timeout,"}, Retries(), id="commas"),
        pytest.param({WORDS: "invalid_header"}, Retries(), id="invalid-header"),
        pytest.param({WORDS: "off"}, Retries(unanswered=False, most=0), id="off"),
        pytest.param({WORDS: "error off"}, Retries(most=0), id="off-among-others"),
        pytest.param({WORDS: "off", TRIES: "5"}, Retries(unanswered=False, most=0), id="off-wins"),
        pytest.param(
            {WORDS: "http_503"},
            Retries(unanswered=False, statuses=(503,), most=3),
            id="an-answer-is-tried-three-times",
        ),
        pytest.param(
            {WORDS: "error http_504 http_404", TRIES: "7"},
            Retries(statuses=(404, 504), most=7),
            id="answers",
        ),
        pytest.param(
            {WORDS: "error non_idempotent"}, Retries(every_method=True), id="every-method"
        ),
        pytest.param(
            {WORDS: "non_idempotent"}, Retries(unanswered=False, every_method=True), id="of-nothing"
        ),
        pytest.param({TRIES: "0"}, Retries(most=0), id="no-tries"),
        pytest.param({TRIES: "100"}, Retries(most=100), id="most-tries"),
        pytest.param({EACH: "5"}, Retries(each=timedelta(seconds=5)), id="time"),
        pytest.param({EACH: "0"}, Retries(), id="no-time"),
        pytest.param(
            {WORDS.replace(NGINX, MSE): "off"}, Retries(unanswered=False, most=0), id="mse"
        ),
    ],
)
def test_retries_are_read(annotations: dict[str, str], policy: Retries) -> None:
    assert wishes(annotations) == (policy,)
    assert told(annotations) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((TRIES, value) for value in (*NO_NUMBERS, "101")),
        *((EACH, value) for value in (*NO_NUMBERS, "31536001")),
        *(
            (WORDS, value)
            for value in ("errors", "error;timeout", "http_200", "http_5030", "updating", "x\x00")
        ),
    ],
)
def test_a_value_that_cannot_be_used_is_told_and_changes_nothing(key: str, value: str) -> None:
    assert wishes({key: value}) == ()
    assert told({key: value}) == [("InvalidAnnotation", key)]


def test_a_route_without_keys_has_the_retries_of_its_host() -> None:
    world = serving({})
    assert host_of(world)["retry_policy"]["num_retries"] == RETRIES
    assert "retry_policy" not in route_of(world)["route"]
    assert "metadata" not in route_of(world)


@pytest.mark.parametrize(
    ("annotations", "of_all", "of_idempotent"),
    [
        pytest.param({TRIES: "2"}, (RETRY_ON, RETRIES, []), ("reset", "2"), id="tries"),
        pytest.param(
            {WORDS: "http_503", TRIES: "2"},
            (RETRY_ON, RETRIES, [503]),
            ("retriable-status-codes", "2"),
            id="an-answer",
        ),
        pytest.param(
            {WORDS: "error http_503 non_idempotent", TRIES: "2"},
            (f"{RETRY_ON},reset,retriable-status-codes", 2, [503]),
            ("reset,retriable-status-codes", "2"),
            id="every-method",
        ),
        pytest.param(
            {WORDS: "non_idempotent", TRIES: "2"},
            (RETRY_ON, RETRIES, []),
            ("connect-failure", None),
            id="only-what-no-pod-has-seen",
        ),
    ],
)
def test_what_may_have_been_processed_is_counted_apart_from_what_was_not(
    annotations: dict[str, str],
    of_all: tuple[str, int, list[int]],
    of_idempotent: tuple[str, str | None],
) -> None:
    """A POST that no Pod has seen keeps the number of failover."""
    route = route_of(serving(annotations))
    policy = route["route"]["retry_policy"]
    codes = policy.get("retriable_status_codes", [])
    assert (policy["retry_on"], policy["num_retries"], codes) == of_all
    noted = route["metadata"]["filter_metadata"]["fleetgate.retries"]
    assert (noted["on"], noted.get("number")) == of_idempotent


def test_off_leaves_nothing() -> None:
    route = route_of(serving({WORDS: "off"}))
    assert route["route"]["retry_policy"] == {"num_retries": 0}
