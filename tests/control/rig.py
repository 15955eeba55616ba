"""A control plane without a server, and a source whose events a test chooses."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from fleet.events import Emit, Event, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlPlane, ControlSettings
from translators.dialects.mse.objects import MseIngressConfig
from xds.cache import SnapshotCache

GATEWAY = Ref(HUB, "MseIngressConfig", "", "gw")
DECLARED = Upserted(GATEWAY, MseIngressConfig.model_validate({"metadata": {"name": "gw"}}))

AT_ONCE = 0.0
NEVER = 3600.0


class Said:
    """A source that sends the events of a test."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()
        self._emit: Emit | None = None

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        self._heard.set()
        await asyncio.get_running_loop().create_future()

    async def refresh(self) -> None:
        await self._heard.wait()

    async def say(self, *events: Event) -> None:
        await self._heard.wait()
        assert self._emit
        self._emit(events)
        for _ in range(5):  # turns of the loop, in which the control plane takes it
            await asyncio.sleep(0)


def starting(
    deadline: float,
    scenario: Callable[[ControlPlane, Said], Awaitable[None]],
    settings: ControlSettings | None = None,
) -> None:
    async def run() -> None:
        source = Said()
        chosen = replace(settings or ControlSettings(), start_deadline=deadline)
        control = ControlPlane(source, SnapshotCache(), chosen)
        running = asyncio.create_task(control.run())
        async with asyncio.timeout(20):
            await scenario(control, source)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(run())
