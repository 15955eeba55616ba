"""A bound on the log lines that clients of xDS can cause.

A refused client tries again and again, and an attacker may log noise to hide a line. So at most
MOST lines of one kind are logged in SECONDS, and the first line after that counts the others. A
kind is a message about the clients of one gateway, so clients of another gateway cannot crowd it
out.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias

MOST: Final = 50
"""Lines of one kind that are logged in one interval."""
SECONDS: Final = 10.0
"""The length of an interval."""

_MOST_KINDS: Final = 1000
"""Kinds of lines that are remembered."""

_LOGGERS: Final = "xds."
"""The beginning of the names of loggers whose lines clients cause."""

_GONE: Final = "ExecuteBatchError"
"""The name of an exception of gRPC that no public module exports."""

_Kind: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class _Interval:
    began: float
    lines: int = 0

    @property
    def left_out(self) -> int:
        return max(0, self.lines - MOST)


class LogBound(logging.Filter):
    """A filter for a log handler. It bounds warnings and errors only."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._intervals: dict[_Kind, _Interval] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is logged, and add to it the number of lines that were left out."""
        if record.levelno < logging.WARNING or not record.name.startswith(_LOGGERS):
            return not _is_about_a_departed_client(record)
        kind = record.name, record.msg, str(getattr(record, "group", ""))
        now = self._clock()
        current = self._intervals.get(kind)
        if current is None or now >= current.began + SECONDS:
            if current and current.left_out:
                record.msg = f"{record.getMessage()} ({current.left_out} more were left out)"
                record.args = ()
            if len(self._intervals) >= _MOST_KINDS:
                self._intervals.clear()
            current = self._intervals[kind] = _Interval(now)
        current.lines += 1
        return not current.left_out


def _is_about_a_departed_client(record: logging.LogRecord) -> bool:
    """Return whether gRPC complains that a client left before its stream was ended.

    Such a line helps nobody.
    """
    error = record.exc_info[0] if record.exc_info else None
    return record.name.startswith("grpc.") and getattr(error, "__name__", "") == _GONE
