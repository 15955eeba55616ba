"""A Pod's process ends with its Pod, whenever that is."""

import asyncio
import gc
import os
from pathlib import Path

import pytest

from fleetgate.demo.pod import Owner, Place, Pod
from fleetgate.demo.workloads import PodTemplate
from tests.support.running_fleet import AT_ONCE

NOWHERE = Place("127.0.0.1", ())


@pytest.mark.parametrize("steps", range(1, 10))
def test_a_pod_ended_while_it_starts_leaves_nothing_behind(steps: int) -> None:
    """The process ends at every moment of its start, and after any number of cancellations.

    A pipe left open is a ResourceWarning when it is collected, and warnings are errors here.
    """

    async def scene() -> None:
        owner = Owner("one", "default", "web")
        pod = Pod("web-0", owner, PodTemplate(), NOWHERE, AT_ONCE, lambda: None)
        running = asyncio.create_task(pod.run(standard_input))
        for _ in range(steps):
            await asyncio.sleep(0)
        while not running.done():
            running.cancel()
            await asyncio.sleep(0)
        await pod.gone()

    with Path(os.devnull).open("rb") as lifeline:
        standard_input = lifeline.fileno()
        asyncio.run(scene())
    gc.collect()
