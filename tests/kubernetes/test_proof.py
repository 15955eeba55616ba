"""fleetgates ask questions in Leases and answer in events, on a real API server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from fleetgate.hub.proof import AT_ONCE, Answers, ask, is_answer
from tests.sinks.rig import Audited, audited
from tests.support.kube import Cluster, Clusters

OURS, THEIRS = "ours", "theirs"


def on(hub: Cluster, script: Callable[[Audited], Awaitable[None]], token: str = "") -> None:
    """Run a script with a client of the hub."""

    async def run() -> None:
        async with audited(hub, token) as api:
            await script(api)

    asyncio.run(run())


def answered(api: Audited) -> list[str]:
    """The namespaces that events were sent to."""
    return [asked.path.split("/")[4] for asked in api.writes]


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    for namespace in (OURS, THEIRS):
        clusters.hub.namespace(namespace)
    return clusters.hub


FIRST = ask()
SECOND = ask(FIRST)
THIRD = ask(SECOND)


def newest(question: str) -> str:
    return question.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("answer", "question", "right"),
    [
        pytest.param(newest(FIRST), FIRST, True, id="asked-now"),
        pytest.param(newest(FIRST), SECOND, True, id="asked-before"),
        pytest.param(newest(FIRST), THIRD, False, id="asked-long-ago"),
        pytest.param(newest(SECOND), FIRST, False, id="never-asked"),
        pytest.param(FIRST[:8], FIRST, False, id="a-part-of-it"),
        pytest.param(SECOND, SECOND, False, id="both-questions"),
        pytest.param("", "", False, id="nothing"),
        pytest.param("x", "x", False, id="no-number"),
    ],
)
def test_an_answer_names_one_of_the_last_two_questions(
    answer: str, question: str, right: bool
) -> None:
    assert is_answer(answer, question) is right


def test_a_question_is_answered_once_where_its_lease_is_and_under_our_name(hub: Cluster) -> None:
    async def script(api: Audited) -> None:
        ours, theirs = Answers(api, OURS), Answers(api, THEIRS)
        assert await theirs.got() == {}
        await ours.give({THEIRS: FIRST})
        await ours.give({THEIRS: FIRST})
        assert await theirs.got() == {OURS: newest(FIRST)}
        assert await ours.got() == {}
        await ours.give({THEIRS: SECOND})
        assert await theirs.got() == {OURS: newest(SECOND)}
        assert answered(api) == [THEIRS, THEIRS]

    on(hub, script)


def test_what_is_no_question_is_not_answered(hub: Cluster) -> None:
    async def script(api: Audited) -> None:
        await Answers(api, OURS).give({THEIRS: "who are you?", "default": ""})
        assert answered(api) == []

    on(hub, script)


def test_nobody_who_asks_all_the_time_keeps_others_from_an_answer(hub: Cluster) -> None:
    loud = [f"loud-{number}" for number in range(AT_ONCE + 1)]
    for namespace in loud:
        hub.namespace(namespace)

    async def script(api: Audited) -> None:
        ours, theirs = Answers(api, OURS), Answers(api, THEIRS)
        for turn in (1, 2):
            await ours.give({**{namespace: ask() for namespace in loud}, THEIRS: FIRST})
            assert len(answered(api)) == turn * AT_ONCE
        assert await theirs.got() == {OURS: newest(FIRST)}

    on(hub, script)


def test_a_refused_answer_is_tried_again_and_said_once(
    hub: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "fleetgate")
    hub.kubectl("create", "serviceaccount", "powerless", f"--namespace={OURS}")
    token = hub.kubectl("create", "token", "powerless", f"--namespace={OURS}").strip()

    async def script(api: Audited) -> None:
        answers = Answers(api, OURS)
        for _ in range(2):
            await answers.give({THEIRS: FIRST})
            assert await answers.got() is None
        assert answered(api) == [THEIRS, THEIRS]

    on(hub, script, token)
    said = [record.getMessage().partition(", the hub")[0] for record in caplog.records]
    assert said == [
        "the fleetgate of namespace theirs is not answered",
        "what other fleetgates answer is not known",
    ]
