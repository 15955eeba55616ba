"""A fleet in a directory, its control plane, and a real Envoy for each of its gateways.

Gateways take addresses from a block of loopback addresses that nobody else on this host holds, so
that test runs do not meet.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fleet.ref import HUB, Ref
from fleetgate.core.control import ControlSettings
from fleetgate.demo.fleet import DemoFleet
from fleetgate.demo.http import Address, Answer, HttpClient, Question
from fleetgate.demo.loopback import Loopback
from fleetgate.fleets import DirectoryPlace
from fleetgate.local.fleet import LocalFleet, local_fleet
from fleetgate.serving import ServeSettings, XdsSettings
from tests.e2e.backends import Backend
from tests.support.builders import Builder, mse_gateway, service, slice_of, write
from translators.dialects import DIALECTS

ONE, TWO = "one", "two"

PATIENCE = timedelta(seconds=20)

_HTTP_PORT = 80


def gateway_ref(name: str = "gw") -> Ref:
    """Name a gateway's object: an MSE one unless the name has its flavour, as in alb/gw."""
    return DIALECTS.parse_name(name if "/" in name else f"mse/{name}")


@dataclass(frozen=True, slots=True)
class Rig:
    """A fleet that is served; `place` is where its gateways listen."""

    fleet: DemoFleet
    served: LocalFleet
    place: ServeSettings

    def declare(self, file: str, *objects: Builder[Any], to: str = HUB) -> None:  # of any kinds
        """Write a file of manifests, in place of what it held."""
        write(self.fleet.directory(to), file, *objects)

    def expose(self, name: str, backends: Iterable[Backend], *, member: str = ONE) -> None:
        """Let these backends be the Pods of a Service in a member; none leaves it without Pods."""
        slices = [
            slice_of(name, addresses=[host], port=port, port_name="http", suffix=str(number))
            for number, (host, port) in enumerate(backend.address for backend in backends)
        ]
        self.declare(f"{name}.yaml", service(name, ports={"http": 80}), *slices, to=member)

    async def sync(self) -> None:
        """Return when every Envoy has acknowledged what is declared now."""
        await self.served.sync()

    async def addresses(self, gateway: str) -> tuple[Address, ...]:
        """Give where each listener of a gateway is, as `address` does of the first."""
        await self.address(gateway)
        return self.served.control.sockets(gateway_ref(gateway))

    async def address(self, gateway: str = "gw") -> Address:
        """Give where a gateway listens, once it does and has all that is declared now."""
        await self.served.control.settle()
        place = await self.served.listening(gateway_ref(gateway))
        await self.sync()
        return place


async def ask_once(address: Address, question: Question) -> Answer:
    """Ask over a connection of its own."""
    client = HttpClient(address, question, PATIENCE)
    try:
        return await client.ask()
    finally:
        client.close()


@asynccontextmanager
async def rig(
    root: Path, members: Sequence[str] = (ONE, TWO), *, gateway: bool = True
) -> AsyncIterator[Rig]:
    """Serve the fleet in `root`, made where it is missing, while the block runs.

    Unless told otherwise it has a gateway `gw` of the class `mse` with all members attached.
    """
    fleet = DemoFleet.create(root / "fleet", members)
    if gateway:
        write(fleet.directory(HUB), "gateway.yaml", mse_gateway("gw", members=members))
    with closing(Loopback()) as loopback:
        settings = settings_on(loopback)
        async with local_fleet(DirectoryPlace(fleet.root), settings, root) as served:
            yield Rig(fleet, served, settings)


def settings_on(loopback: Loopback) -> ServeSettings:
    """Give settings whose gateways listen in a block, and whose own ports are free ones."""
    port = loopback.port(_HTTP_PORT + 10000)
    bind = next(iter(loopback.addresses("gateways")))
    control = ControlSettings(bind=bind, port_offset=port - _HTTP_PORT)
    return ServeSettings(control=control, xds=XdsSettings(port=0), admin_port=0)
