"""How a long-running command ends: by SIGINT or SIGTERM, in order."""

import asyncio
import signal


async def until_stopped() -> None:
    """Return when the process is told to stop; a second signal then ends it the hard way."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
