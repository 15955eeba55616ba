"""A control plane over a directory fleet, and what it says over its admin HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from fleetgate.fleets import DirectoryPlace
from fleetgate.serving import ServeSettings, Serving, XdsSettings, serving
from tests.badinput import good
from xds.resource import TypeUrl

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet without a mistake at first; `root` is its directory."""

    root: Path
    serving: Serving

    async def served(self) -> Mapping[tuple[TypeUrl, str], str]:
        """Read the files again; gives what is served, by type and name, as versions."""
        await self.serving.control.settle()
        return {
            (type_url, name): resource.version
            for type_url, named in self.serving.control.cache.snapshot("mse/gw").items()
            for name, resource in named.items()
        }

    async def status(self) -> Json:
        """What `fleetgate status -o json` shows."""
        url = f"http://127.0.0.1:{self.serving.admin_port}/status"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            status: Json = await answer.json()
            return status

    async def problems(self) -> list[Json]:
        """Every problem, with the file of its object."""
        problems: list[Json] = (await self.status())["problems"]
        return problems


@asynccontextmanager
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Serve a fleet without a mistake while the block runs."""
    root = tmp_path / "fleet"
    good.make(root)
    async with serving(
        DirectoryPlace(root), ServeSettings(xds=XdsSettings(port=0), admin_port=0)
    ) as running:
        await running.control.started.wait()
        yield Fleet(root, running)
