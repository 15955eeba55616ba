"""A replica with other options takes no Lease from those that run with the leader's."""

import json
from collections.abc import Collection
from typing import Any

import pytest

from fleetgate.hub.agreement import OPTIONS, Agreement

OURS = {"--bind": "192.0.2.1", "--manage-gateways": "yes"}
THEIRS = {"--bind": "127.0.0.1", "--manage-gateways": "yes", "--load-balancer-class": "lb"}


def text(options: object) -> str:
    return json.dumps(options, sort_keys=True)


def lease(options: str | None) -> dict[str, Any]:
    annotations = None if options is None else {OPTIONS: options}
    return {"metadata": {"annotations": annotations}}


@pytest.mark.parametrize(
    ("options", "others", "barred", "told"),
    [
        pytest.param(text(OURS), [text(OURS)], False, [], id="the-same-options"),
        pytest.param(
            text(THEIRS),
            [text(OURS), text(THEIRS)],
            True,
            ["--bind", "--load-balancer-class"],
            id="other-options-with-which-replicas-run",
        ),
        pytest.param(text(THEIRS), [text(OURS)], False, [], id="other-options-of-nobody"),
        pytest.param(text(THEIRS), None, True, [], id="who-runs-is-not-known-yet"),
        pytest.param(None, [""], False, [], id="a-version-that-says-none"),
        pytest.param("{", ["{"], True, ["--bind", "--manage-gateways"], id="no-json"),
        pytest.param("[1]", ["[1]"], True, ["--bind", "--manage-gateways"], id="no-options"),
    ],
)
def test_a_lease_is_taken_unless_replicas_run_with_the_options_that_it_names(
    options: str | None, others: Collection[str] | None, barred: bool, told: list[str]
) -> None:
    agreement = Agreement(OURS, lambda: others)

    assert agreement.bars(lease(options)) is barred
    assert [problem.key for problem in agreement.problems] == told


def test_it_is_told_until_the_others_are_gone() -> None:
    others: list[str] = [text(THEIRS)]
    agreement = Agreement(OURS, lambda: others)
    news: list[int] = []
    agreement.on_change(lambda: news.append(len(list(agreement.problems))))

    for _ in range(3):
        agreement.bars(lease(text(THEIRS)))
    others.clear()
    for _ in range(3):
        agreement.bars(lease(text(THEIRS)))

    assert news == [2, 0]


def test_the_options_of_a_replica_are_one_text_however_they_are_ordered() -> None:
    backwards = dict(reversed(OURS.items()))
    assert Agreement(OURS, list).text == Agreement(backwards, list).text == text(OURS)
