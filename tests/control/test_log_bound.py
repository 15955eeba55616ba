"""Clients can neither fill the log nor hide lines about others in it."""

import logging

import pytest

from fleetgate.log_bound import MOST, SECONDS, LogBound


class Log:
    """A log with a bound, and a clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self._bound = LogBound(lambda: self.now)

    def say(
        self,
        *arguments: object,
        message: str = "nack node=%s",
        group: str = "mse/shop",
        level: int = logging.WARNING,
        name: str = "xds.stream",
    ) -> str | None:
        """Return the text of a line as it is logged, None where it is left out."""
        record = logging.LogRecord(name, level, "", 0, message, arguments, None)
        record.group = group
        return record.getMessage() if self._bound.filter(record) else None


def test_many_lines_alike_are_told_in_part_and_then_counted() -> None:
    log = Log()
    told = [log.say(number) for number in range(MOST + 1000)]
    assert told == [f"nack node={number}" for number in range(MOST)] + [None] * 1000

    log.now = SECONDS
    assert log.say("last") == "nack node=last (1000 more were left out)"
    assert log.say("other") == "nack node=other"


def test_few_lines_are_all_told() -> None:
    log = Log()
    for number in range(10 * MOST):
        log.now = number * SECONDS / MOST
        assert log.say(number) == f"nack node={number}"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"group": "mse/other"}, id="another-gateway"),
        pytest.param({"message": "closed node=%s"}, id="something-else"),
        pytest.param({"name": "xds.server"}, id="somebody-else"),
        pytest.param({"name": "fleetgate.core.problems"}, id="not-of-clients"),
        pytest.param({"level": logging.INFO}, id="every-decision"),
    ],
)
def test_many_lines_hide_no_others(other: dict[str, object]) -> None:
    log = Log()
    for number in range(MOST + 1):
        log.say(number)
    assert log.say("x", **other)  # type: ignore[arg-type]  # one of the keywords each


def test_any_number_of_gateways_is_remembered_in_part() -> None:
    log = Log()
    for number in range(MOST):
        log.say(number)
    assert log.say("x") is None
    for number in range(5000):
        assert log.say("x", group=f"mse/{number}")
    assert log.say("x"), "the lines of the first gateway are forgotten"


@pytest.mark.parametrize(
    ("logger", "error", "told"),
    [
        pytest.param("grpc._cython.cygrpc", "ExecuteBatchError", False, id="of-grpc"),
        pytest.param("grpc._cython.cygrpc", "ValueError", True, id="another-of-grpc"),
        pytest.param("fleetgate", "ExecuteBatchError", True, id="of-ours"),
    ],
)
def test_what_grpc_says_of_clients_that_were_gone_is_not_told(
    logger: str, error: str, told: bool
) -> None:
    kind = type(error, (Exception,), {})
    record = logging.LogRecord(logger, logging.ERROR, "", 0, "raised", (), (kind, kind(), None))
    assert LogBound().filter(record) is told
