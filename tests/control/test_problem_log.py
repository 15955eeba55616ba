"""What of problems is logged, and what is seen without --verbose."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from fleetgate.problems import ProblemLog

INGRESS = Problem(Ref(HUB, "Ingress", "default", "shop"), "InvalidHost", "", "a_b", "a host name")


BEGUN = "Member c1: Unreachable: '{}' (expected to reach it)"
OVER = "Member c1: Unreachable is settled"


def lost(why: str) -> Problem:
    return Problem(Ref("", "Member", "", "c1"), "Unreachable", "", why, "to reach it")


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        pytest.param(
            [[lost("reset")], []],
            [BEGUN.format("reset"), OVER],
            id="an-outage-and-its-end",
        ),
        pytest.param(
            [[lost("reset")], [lost("refused")], [lost("reset")], [lost("refused")]],
            [BEGUN.format("reset")],
            id="one-outage-by-several-reasons",
        ),
        pytest.param(
            [[lost("reset")], [], [lost("refused")]],
            [BEGUN.format("reset"), OVER, BEGUN.format("refused")],
            id="two-outages",
        ),
        pytest.param(
            [[INGRESS], []],
            ["Ingress default/shop: InvalidHost: 'a_b' (expected a host name)"],
            id="of-a-mistake-only-that-it-is-there",
        ),
        pytest.param([[replace(INGRESS, severity=Severity.HINT)], []], [], id="no-hint"),
    ],
)
def test_what_is_seen_by_default(
    shown: Sequence[Sequence[Problem]], said: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    problem_log = ProblemLog()
    for problems in shown:
        problem_log.show(tuple(problems))
    assert caplog.messages == said
