"""One Envoy for each gateway of the fleet, as gateways come and go."""

import asyncio
import logging
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from fleet.ref import Ref
from fleetgate.bootstrap import BootstrapSettings
from fleetgate.core.control import ControlPlane
from fleetgate.core.ports import why_taken
from fleetgate.errors import OperatorError
from fleetgate.local.envoy_process import Envoy
from xds.resource import TypeUrl

log = logging.getLogger(__name__)

_POLL: Final = 0.02


class LocalGateways:
    """Runs the Envoys of a control plane on this machine; `running` starts it."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._envoys: dict[Ref, Envoy] = {}

    @property
    def envoys(self) -> Mapping[Ref, Envoy]:
        """The Envoys that run now, by the Ref of their gateway."""
        return self._envoys

    def admin_of(self, node_id: str) -> str:
        """Where the admin pages of a node are; "" for nodes that do not run here."""
        return next((e.admin for e in self._envoys.values() if e.node_id == node_id), "")

    def absent(self, control: ControlPlane) -> Mapping[str, str]:
        """The nodes that do not follow their gateway yet, each with the reason.

        An Envoy asks for its listeners once it has its Clusters, and for the routes of these after
        that: until then nothing of it is unacknowledged.
        """
        asked = {client.node_id: client.types.keys() for client in control.cache.clients()}
        found = {}
        for gateway in control.gateways:
            node = _node_of(control, gateway)
            needed = {TypeUrl.LISTENER}
            if control.sockets(gateway):
                needed.add(TypeUrl.SCOPED_ROUTE)
            if node not in asked:
                found[node] = "it has not connected yet"
            elif not needed <= asked[node]:
                found[node] = "it has not asked for all of its configuration yet"
        return found

    async def accepting(self, control: ControlPlane) -> None:
        """Return once all listeners of all gateways accept connections.

        An Envoy that starts acknowledges its listeners before it opens them.
        """
        for gateway in control.gateways:
            for address, port in control.sockets(gateway):
                await accepting(address, port)

    async def run(self, control: ControlPlane, settings: BootstrapSettings) -> None:
        """Keep one Envoy for each gateway, until cancelled.

        Raises OperatorError where a port of a gateway that is there at the start is taken.
        """
        await control.started.wait()
        for gateway in control.gateways:
            for address, port in control.sockets(gateway):
                require_free(control.dialects.name_of(gateway), address, port)
        async with asyncio.TaskGroup() as tasks:
            running: dict[Ref, asyncio.Task[None]] = {}
            while True:
                for ref in running.keys() - control.gateways.keys():
                    running.pop(ref).cancel()
                for ref in control.gateways.keys() - running.keys():
                    running[ref] = tasks.create_task(self._run(control, ref, settings))
                control.gateways_changed.clear()
                await control.gateways_changed.wait()

    async def _run(self, control: ControlPlane, ref: Ref, settings: BootstrapSettings) -> None:
        name, node_id = control.dialects.name_of(ref), _node_of(control, ref)
        log_file = self._logs / f"envoy-{name.replace('/', '-')}.log"
        envoy = Envoy(name, replace(settings, node_id=node_id), log_file)
        async with envoy.running():
            self._envoys[ref] = envoy
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                del self._envoys[ref]


def _node_of(control: ControlPlane, gateway: Ref) -> str:
    return f"{control.dialects.name_of(gateway)}@{socket.gethostname()}"


async def accepting(address: str, port: int) -> None:
    """Return once somebody accepts connections there."""
    while True:
        try:
            _, writer = await asyncio.open_connection(address, port)
        except OSError:
            await asyncio.sleep(_POLL)
        else:
            writer.close()
            return


def require_free(
    gateway: str, address: str, port: int, options: str = "--bind or --port-offset"
) -> None:
    """Raise OperatorError where a port of the gateway is taken; `options` choose another one."""
    if error := why_taken(address, port):
        hint = (
            "ports below 1024 are for root: add --port-offset 10000"
            if isinstance(error, PermissionError)
            else f"choose others with {options}"
        )
        raise OperatorError(
            f"{gateway} cannot listen on {address}:{port} ({error.strerror}); {hint}"
        ) from error
