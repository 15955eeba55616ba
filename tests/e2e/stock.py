"""A control plane without Envoys, and a stock Envoy that joins it as a user's would."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fleetgate.fleets import DirectoryPlace
from fleetgate.local.envoy_process import find_envoy
from fleetgate.local.fleet import LocalFleet
from fleetgate.local.local_envoys import LocalGateways
from fleetgate.serving import ServeSettings, serving


@asynccontextmanager
async def control_plane(root: Path, settings: ServeSettings) -> AsyncIterator[LocalFleet]:
    """Serve the fleet in `root` while the block runs."""
    async with serving(DirectoryPlace(root / "fleet"), settings) as running:
        yield LocalFleet(running, LocalGateways(root))


@asynccontextmanager
async def stock_envoy(
    gateway: str, xds_port: int, place: Path, *, protocol: str = "delta"
) -> AsyncIterator[None]:
    """Run Envoy with what `fleetgate bootstrap` prints, while the block runs."""
    config = place / f"{protocol}.yaml"
    ports = (f"--xds-port={xds_port}", "--admin-port=0")
    names = (f"--protocol={protocol}", f"--node-id={protocol}")
    command = (sys.executable, "-m", "fleetgate", "bootstrap", gateway, *ports, *names)
    with config.open("wb") as output:
        printing = await asyncio.create_subprocess_exec(*command, stdout=output)
        assert await printing.wait() == 0
    with (place / f"{protocol}.log").open("wb") as log:
        options = ("--config-path", config, "--disable-hot-restart", "--log-level", "warning")
        envoy = await asyncio.create_subprocess_exec(
            find_envoy(), *options, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        envoy.kill()
        await envoy.wait()
