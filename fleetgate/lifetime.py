"""The orderly end of a long-running command, on SIGINT, SIGTERM or SIGHUP."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(main: Coroutine[Any, Any, T]) -> T | None:  # Any: types of asyncio's own
    """Run `main`, and return its result, or None where a signal has stopped it.

    The first signal cancels `main`, which cleans up. A second signal ends the process at once.
    """
    return asyncio.run(_cancelled_by_signals(main))


async def _cancelled_by_signals(main: Coroutine[Any, Any, T]) -> T | None:
    loop = asyncio.get_running_loop()
    running = loop.create_task(main)

    def stop() -> None:
        running.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    await asyncio.wait({running})
    return None if running.cancelled() else running.result()


async def until_stopped() -> None:
    """Return on the first signal. A second signal then ends the process at once."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def ended(future: asyncio.Future[Any]) -> None:  # Any: the result does not matter
    """Return when `future` is done. A cancellation of the caller is raised only after that.

    Code that ends a child process waits this way, so that a second cancellation cannot interrupt
    it.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None:
        raise cancelled
