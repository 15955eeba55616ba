"""A control plane on this machine, with an Envoy for each gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.ref import Ref
from fleetgate.bootstrap import BootstrapSettings
from fleetgate.core.control import ControlPlane
from fleetgate.core.sync import sync
from fleetgate.defaults import LOOPBACK, SYNC_TIMEOUT
from fleetgate.fleets import Place
from fleetgate.local.envoy_process import find_envoy
from fleetgate.local.local_envoys import LocalGateways, accepting
from fleetgate.serving import ServeSettings, Serving, serving
from translators.model.statuses import GatewayStatus, Phase


@dataclass(frozen=True, slots=True)
class LocalFleet:
    """A fleet that is served on this machine."""

    serving: Serving
    gateways: LocalGateways

    @property
    def control(self) -> ControlPlane:
        """The control plane."""
        return self.serving.control

    def address_of(self, gateway: Ref) -> tuple[str, int]:
        """Return the address and port of a gateway's first listener.

        Raises KeyError for a gateway without listeners.
        """
        sockets = self.control.sockets(gateway)
        if not sockets:
            raise KeyError(gateway)
        return sockets[0]

    async def sync(self, limit: float = SYNC_TIMEOUT) -> None:
        """Return when every Envoy has acknowledged what is declared at the time of the call.

        After `limit` seconds it raises TimeoutError, whose text says what is missing.
        """
        missing = await sync(self.control, limit, self.serving.envoys)
        if missing:
            shown = ", ".join(f"{m['type']} {m['name']} ({m['reason']})" for m in missing[:5])
            raise TimeoutError(f"not acknowledged after {limit:g} s: {shown}")

    async def listening(self, gateway: Ref, limit: float = SYNC_TIMEOUT) -> tuple[str, int]:
        """Return the address of a gateway's first listener, once all listeners accept connections.

        An acknowledgement does not say so, since a starting Envoy acknowledges its listeners before
        it opens them. After `limit` seconds it raises TimeoutError, whose text says the phase.
        """
        changed = asyncio.Event()
        stop = self.control.cache.on_change(changed.set)
        try:
            async with asyncio.timeout(limit):
                while not self._listens(gateway):
                    await changed.wait()
                    changed.clear()
                for address, port in self.control.sockets(gateway):
                    await accepting(address, port)
        except TimeoutError as e:
            statuses = self.control.translator.tables.statuses.of_gateways
            status = statuses.get(gateway) or GatewayStatus(Phase.PENDING)
            why = f": {status.message}" if status.message else ""
            name = self.control.dialects.name_of(gateway)
            raise TimeoutError(f"{name} is {status.phase.value} after {limit:g} s{why}") from e
        finally:
            stop()
        return self.address_of(gateway)

    def _listens(self, gateway: Ref) -> bool:
        known = gateway in self.control.gateways
        return known and self.control.cache.listens(self.control.dialects.name_of(gateway))


@asynccontextmanager
async def local_fleet(
    place: Place, settings: ServeSettings, logs: Path
) -> AsyncIterator[LocalFleet]:
    """Serve a fleet on this machine while the block runs. Raises OperatorError.

    `logs` is a directory for the logs of the Envoys.
    """
    find_envoy()
    settings = replace(settings, control=replace(settings.control, one_host=True))
    gateways = LocalGateways(logs)
    async with serving(place, settings, gateways) as running, asyncio.TaskGroup() as tasks:
        envoys = BootstrapSettings(xds_address=LOOPBACK, xds_port=running.xds_port)
        keeping = tasks.create_task(gateways.run(running.control, envoys))
        yield LocalFleet(running, gateways)
        keeping.cancel()
