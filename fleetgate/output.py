"""A stdout whose failures are OperatorErrors.

A command ends silently when the reader of its output goes away, as in `fleetgate status | head`. It
ends with a sentence when its output cannot be written, as on a full disk. Either may happen while
tasks run and children live, so the failure is raised as an OperatorError, and everything stops in
order.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO, cast

from fleetgate.errors import OperatorError


class ReaderGone(OperatorError):
    """The reader of stdout has gone away. The command ends without a message."""


@contextmanager
def checked_stdout() -> Iterator[None]:
    """While the block runs, have prints raise OperatorError where stdout fails."""
    if sys.stdout is None:  # the parent process has closed it, and print() writes nothing
        yield
        return
    with redirect_stdout(cast("TextIO", _Stdout(sys.stdout))):
        yield


class _Stdout:
    """A stream that raises OperatorError on its first failure, and on each use after that."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._failure: OperatorError | None = None

    def write(self, text: str) -> int:
        with self._checked():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._checked():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the stream has)
        return getattr(self._stream, name)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        if self._failure:
            raise self._failure
        try:
            yield
        except OSError as e:
            # Python writes the rest of the buffer when the process exits, which would fail again.
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
