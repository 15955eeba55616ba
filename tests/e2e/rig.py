"""A fleet in a directory, its control plane, and a real Envoy for each of its gateways.

Each test run has a block of loopback addresses of its own for gateways, so that runs on one host do
not conflict.
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
    """Return the Ref of a gateway: of an MSE one, unless the name has a flavour, as in alb/gw."""
    return DIALECTS.parse_name(name if "/" in name else f"mse/{name}")


@dataclass(frozen=True, slots=True)
class Rig:
    """A fleet that is served. `place` is the block of addresses for its gateways."""

    fleet: DemoFleet
    served: LocalFleet
    place: ServeSettings

    def declare(self, file: str, *objects: Builder[Any], to: str = HUB) -> None:  # of any kinds
        """Write a file of manifests, and replace an older one."""
        write(self.fleet.directory(to), file, *objects)

    def expose(self, name: str, backends: Iterable[Backend], *, member: str = ONE) -> None:
        """Make these backends the Pods of a Service in a member. It may have none."""
        slices = [
            slice_of(name, addresses=[host], port=port, port_name="http", suffix=str(number))
            for number, (host, port) in enumerate(backend.address for backend in backends)
        ]
        self.declare(f"{name}.yaml", service(name, ports={"http": 80}), *slices, to=member)

    async def sync(self) -> None:
        """Return when every Envoy has acknowledged what is declared now."""
        await self.served.sync()

    async def addresses(self, gateway: str) -> tuple[Address, ...]:
        """Return the addresses of all listeners of a gateway, when `address` would return."""
        await self.address(gateway)
        return self.served.control.sockets(gateway_ref(gateway))

    async def address(self, gateway: str = "gw") -> Address:
        """Return the address of a gateway once it listens and has all that is declared now."""
        await self.served.control.settle()
        place = await self.served.listening(gateway_ref(gateway))
        await self.sync()
        return place


async def ask_once(address: Address, question: Question) -> Answer:
    """Send one request over a connection of its own."""
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
    """Make settings with a block of addresses for gateways, and with free ports for fleetgate."""
    port = loopback.port(_HTTP_PORT + 10000)
    bind = next(iter(loopback.addresses("gateways")))
    control = ControlSettings(bind=bind, port_offset=port - _HTTP_PORT)
    return ServeSettings(control=control, xds=XdsSettings(port=0), admin_port=0)
