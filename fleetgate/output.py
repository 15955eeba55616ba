"""What is printed, and a stdout that takes no more of it.

A reader that went away (`| head`, a pager that was quit) ends a command without a word; a stdout
that cannot be written is a mistake of the operator. Either may be met in the midst of tasks with
children: it goes up like any OperatorError, and everything stops in order.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO, cast

from fleetgate.errors import OperatorError


class ReaderGone(OperatorError):
    """Nobody reads what is printed any more; there is nothing to say about it."""


@contextmanager
def told_of_stdout() -> Iterator[None]:
    """While the block runs, print to a stdout that raises OperatorError where it fails."""
    if sys.stdout is None:  # closed by who started this: what is printed goes nowhere
        yield
        return
    with redirect_stdout(cast("TextIO", _Stdout(sys.stdout))):
        yield


class _Stdout:
    """A stream whose failure is the operator's, each time that it is used from then on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._failure: OperatorError | None = None

    def write(self, text: str) -> int:
        with self._told():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the stream has)
        return getattr(self._stream, name)

    @contextmanager
    def _told(self) -> Iterator[None]:
        if self._failure:
            raise self._failure
        try:
            yield
        except OSError as e:
            # What is in the buffer would fail again at the exit of the process.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            self._failure = _failure(e)
            raise self._failure from e


def _failure(error: OSError) -> OperatorError:
    if isinstance(error, BrokenPipeError):
        return ReaderGone("nobody reads what is printed")
    why = (error.strerror or str(error)).lower()
    return OperatorError(f"what is to be printed cannot be written ({why})")
