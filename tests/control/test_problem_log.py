"""What of problems is logged, and what is seen without --verbose."""

import logging
from collections.abc import Sequence

import pytest

from fleet.outage import Outage
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleetgate.problems import ProblemLog

INGRESS = Problem(Ref(HUB, "Ingress", "default", "shop"), "InvalidHost", "", "a_b", "a host name")


BEGUN = "Member c1: Unreachable: '{}' (expected to reach it)"
OVER = "Member c1: Unreachable is settled"


MEMBER = Ref("", "Member", "", "c1")


def lost(why: str) -> Problem:
    return Problem(MEMBER, "Unreachable", "", why, "to reach it")


CLASSES = {"reset": Outage.NO_ANSWER, "refused": Outage.NO_ANSWER, "503": Outage.ERROR}


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
            [[lost("503")], [lost("reset")], [lost("503")], [lost("refused")], [], [lost("reset")]],
            [BEGUN.format("503"), BEGUN.format("reset"), OVER, BEGUN.format("reset")],
            id="a-reason-of-another-class",
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
    ],
)
def test_what_is_seen_by_default(
    shown: Sequence[Sequence[Problem]], said: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    problem_log = ProblemLog()
    for problems in shown:
        outages = {p.at: CLASSES[p.value] for p in problems if p.at == MEMBER}
        problem_log.show(tuple(problems), outages)
    assert caplog.messages == said
