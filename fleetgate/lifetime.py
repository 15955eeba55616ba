"""How a long-running command ends: in order, when it is told to or its terminal goes away."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(main: Coroutine[Any, Any, T]) -> T | None:  # what it sends and takes is asyncio's own
    """Run to the end; None where the process was told to stop before that, by a signal.

    `main` is cancelled then and cleans up; a second signal ends it the hard way.
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
    """Return when the process is told to stop; a second signal then ends it the hard way."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def ended(future: asyncio.Future[Any]) -> None:  # whatever it gives is not looked at
    """Return when it is done; to be cancelled meanwhile counts only then.

    For what ends a process: a second cancellation would reach it in the midst of that.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None:
        raise cancelled
