"""Problems are logged once, and only some of them without --verbose."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fleet.outage import Outage
from fleet.problem import Problem, Severity
from fleet.ref import HUB, Ref
from fleetgate.core import ration
from fleetgate.core.problems import ProblemLog
from tests.support.clock import Clock
from tests.support.work import lines_run

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
            [[lost("503")], [lost("reset")], [lost("503")], [lost("reset")], [], [lost("refused")]],
            [BEGUN.format("503"), BEGUN.format("reset"), OVER, BEGUN.format("refused")],
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
        pytest.param(
            [[lost("reset"), replace(INGRESS, because=(lost("reset"),))]],
            [BEGUN.format("reset")],
            id="of-what-follows-from-a-problem-of-another-object-nothing",
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
        outages = {p.at: CLASSES[p.value] for p in problems if p.at == MEMBER}
        problem_log.show(tuple(problems), outages)
    assert caplog.messages == said


def other(number: int) -> Problem:
    return Problem(INGRESS.at, "InvalidHost", "", f"a_{number}", "a host name")


@pytest.mark.parametrize(
    ("flaps", "said", "more"),
    [
        pytest.param([[INGRESS], []] * 30, 2, "58 more lines of 60 s", id="one-problem"),
        pytest.param([[other(n)] for n in range(60)], 20, "99 more lines of 60 s", id="many"),
        pytest.param([[INGRESS]] * 60, 1, "", id="one-that-stays"),
    ],
)
def test_an_object_whose_problems_come_and_go_has_a_ration_of_lines(
    flaps: Sequence[Sequence[Problem]], said: int, more: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    problem_log = ProblemLog(clock)
    for problems in flaps:
        clock.now += 0.5
        problem_log.show(tuple(problems), {})
    assert len(caplog.messages) == said

    caplog.clear()
    clock.now += 60
    problem_log.show((*flaps[-1], lost("reset")), {MEMBER: Outage.NO_ANSWER})

    *summary, last = caplog.messages
    assert last == BEGUN.format("reset")
    assert len(summary) == bool(more)
    assert all(more in line and line.startswith("Ingress default/shop: ") for line in summary)


def test_what_was_left_out_ends_with_what_stands(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    problem_log = ProblemLog(clock)
    for problems in [[INGRESS], []] * 3 + [[INGRESS, other(1)]]:
        problem_log.show(tuple(problems), {})
    clock.now += 60
    caplog.clear()
    problem_log.show((INGRESS, other(1)), {})
    assert caplog.messages == []  # nothing has turned, so nobody asks
    problem_log.show((INGRESS,), {})
    assert caplog.messages == [
        "Ingress default/shop: left out 5 more lines of 60 s, its problems come and go; "
        "it has 2 InvalidHost now"
    ]


def test_another_object_has_a_ration_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    problem_log = ProblemLog(Clock())
    for number in range(40):
        problem_log.show((other(number),), {})
    caplog.clear()
    elsewhere = replace(INGRESS, at=Ref(HUB, "Ingress", "default", "web"))
    problem_log.show((other(39), elsewhere), {})
    assert caplog.messages == ["Ingress default/web: InvalidHost: 'a_b' (expected a host name)"]


def of_objects(count: int, namespace: str = "many") -> list[Problem]:
    return [replace(INGRESS, at=Ref(HUB, "Ingress", namespace, f"web-{n}")) for n in range(count)]


def test_the_objects_of_a_namespace_share_what_may_be_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    problem_log = ProblemLog(clock)
    problem_log.show((*of_objects(5000), *of_objects(1, "of-others")), {})
    assert len(caplog.messages) == ration.OBJECTS + 1
    assert caplog.messages[-1].startswith("Ingress of-others/web-0: ")

    caplog.clear()
    clock.now += 60
    problem_log.show((), {})
    assert caplog.messages == [
        "Ingress many/...: left out 4900 lines of 60 s about more than 100 objects; "
        "`fleetgate status` shows what is wrong with them"
    ]

    caplog.clear()
    clock.now += 60
    problem_log.show(tuple(of_objects(100)), {})
    assert len(caplog.messages) == 100, "all that are new are told"


def test_what_was_left_out_of_many_objects_is_told_in_linear_time() -> None:
    def work(count: int) -> int:
        clock = Clock()
        problem_log = ProblemLog(clock)
        for number in range(3):  # each of its own namespace, so that all have lines
            problems = [p for n in range(count) for p in of_objects(1, f"many-{n}")]
            problem_log.show(tuple(problems if number != 1 else ()), {})
        clock.now += 60
        return lines_run(lambda: problem_log.show((), {}))

    work(1)
    assert work(400) < 2.2 * work(200)


def test_what_was_left_out_is_told_when_nothing_more_happens(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def script() -> None:
        problem_log = ProblemLog(clock)
        telling = asyncio.create_task(problem_log.run())
        for problems in [[INGRESS], []] * 2:
            problem_log.show(tuple(problems), {})
        clock.now += 1
        async with asyncio.timeout(20):
            while "left out 2 more lines" not in caplog.text:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0)
        telling.cancel()
        await asyncio.wait([telling])

    clock = Clock()
    monkeypatch.setattr(ration, "SPELL", 0.01)
    asyncio.run(script())
    assert caplog.messages[-1].endswith("it has none now")
