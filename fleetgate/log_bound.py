"""A bound of what clients can have logged: so many lines alike in a while, and a count of the rest.

Whoever is refused tries again and again, and whoever wants to hide something says much else. Lines
are alike that tell the same of clients of one group, which clients of another one cannot drown.
What gRPC prints where a client was gone before it was told of its end says nothing to anybody.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias

MOST: Final = 50
SECONDS: Final = 10.0
"""Lines alike that are let through in so many seconds."""

_KINDS: Final = 1000
"""Kinds of lines that are remembered."""

_OF: Final = "xds."
"""The loggers that tell of clients."""

_GONE: Final = "ExecuteBatchError"
"""gRPC's exception, which is in none of its public modules."""

_Kind: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class _While:
    began: float
    lines: int = 0

    @property
    def left_out(self) -> int:
        return max(0, self.lines - MOST)


class LogBound(logging.Filter):
    """For a handler; what is only logged because somebody asked for every decision is not bound."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._whiles: dict[_Kind, _While] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is let through; the first one after a while tells what was left out."""
        if record.levelno < logging.WARNING or not record.name.startswith(_OF):
            return not _tells_of_a_client_that_was_gone(record)
        kind = record.name, record.msg, str(getattr(record, "group", ""))
        now = self._clock()
        current = self._whiles.get(kind)
        if current is None or now >= current.began + SECONDS:
            if current and current.left_out:
                record.msg = f"{record.getMessage()} ({current.left_out} more were left out)"
                record.args = ()
            if len(self._whiles) >= _KINDS:
                self._whiles.clear()
            current = self._whiles[kind] = _While(now)
        current.lines += 1
        return not current.left_out


def _tells_of_a_client_that_was_gone(record: logging.LogRecord) -> bool:
    error = record.exc_info[0] if record.exc_info else None
    return record.name.startswith("grpc.") and getattr(error, "__name__", "") == _GONE
