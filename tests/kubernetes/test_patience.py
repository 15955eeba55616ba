"""Requests are repeated: how often, after which answers, and with which log lines."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from fleet.kubernetes.connection import Reply, Unreached
from fleet.kubernetes.patience import REFUSALS, Patience


class Server:
    """Gives the answers in their order, and the last one to all later requests."""

    def __init__(self, answers: Sequence[int | None]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def answer(self) -> Reply:
        said = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if said is None:
            raise Unreached("https://hub: Connection refused")
        return Reply(said, b"")


def patience() -> Patience:
    return Patience("this test", longest=0.001)


@pytest.mark.parametrize(
    ("answers", "asked", "status"),
    [
        pytest.param([200], 1, 200, id="an answer"),
        pytest.param([503, 429, 500, 200], 4, 200, id="a busy server"),
        pytest.param([None, None, 201], 3, 201, id="no answer"),
        pytest.param([None] * 50 + [200], 51, 200, id="no answer for long"),
        pytest.param([None] * 9 + [503, 200], 11, 200, id="a server that comes back busy"),
        pytest.param([403], 1, 403, id="a refusal is final"),
        pytest.param([404], 1, 404, id="nothing there is final"),
        pytest.param([409], 1, 409, id="a conflict is for the one who asks"),
        pytest.param([503], REFUSALS, 503, id="busy for too long"),
    ],
)
def test_who_asks_gets(answers: Sequence[int | None], asked: int, status: int) -> None:
    server = Server(answers)
    reply = asyncio.run(patience().ask(server.answer))
    assert (reply.status, server.asked) == (status, asked)


def test_silence_and_its_end_are_logged_once_for_all_who_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    shared = patience()

    async def script() -> None:
        await asyncio.gather(*(shared.ask(Server([None] * 5 + [200]).answer) for _ in range(3)))

    asyncio.run(script())
    said = [r.getMessage() for r in caplog.records if r.name == "fleet.kubernetes.patience"]
    assert said[0] == "this test waits, there is no answer: https://hub: Connection refused"
    assert "this test goes on, there are answers again" in said
    assert len(said) % 2 == 0, "each silence has an end"
    assert len(said) <= 6


def test_an_answer_that_names_a_wait_is_obeyed() -> None:
    """The wait is measured by the loop's clock, which a busy machine never makes shorter."""

    async def script() -> float:
        replies = [Reply(429, b"", retry_after=0.2), Reply(200, b"")]

        async def answer() -> Reply:
            return replies.pop(0)

        loop = asyncio.get_running_loop()
        begun = loop.time()
        await patience().ask(answer)
        return loop.time() - begun

    assert asyncio.run(script()) >= 0.2
