"""The Envoys of this machine: one for each declared gateway."""

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
"""Seconds between two attempts to connect to a listener."""


class LocalGateways:
    """Runs the Envoys of a control plane on this machine while `run` runs."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._envoys: dict[Ref, Envoy] = {}

    @property
    def envoys(self) -> Mapping[Ref, Envoy]:
        """The running Envoys by their gateways."""
        return self._envoys

    def admin_of(self, node_id: str) -> str:
        """Return the address of a node's admin pages, "" for a node that does not run here."""
        return next((e.admin for e in self._envoys.values() if e.node_id == node_id), "")

    def absent(self, control: ControlPlane) -> Mapping[str, str]:
        """Return the nodes that do not follow their gateway yet, each with the reason.

        An Envoy asks for listeners once it has its Clusters, and then for route tables. Before that
        it has no unacknowledged resources of these types, though it lacks them.
        """
        asked = {client.node_id: client.types.keys() for client in control.cache.clients()}
        reasons = {}
        for gateway in control.gateways:
            node = _node_of(control, gateway)
            needed = {TypeUrl.LISTENER}
            if control.sockets(gateway):
                needed.add(TypeUrl.SCOPED_ROUTE)
            if node not in asked:
                reasons[node] = "it has not connected yet"
            elif not needed <= asked[node]:
                reasons[node] = "it has not asked for all of its configuration yet"
        return reasons

    async def accepting(self, control: ControlPlane) -> None:
        """Return once all listeners of all gateways accept connections.

        A starting Envoy acknowledges its listeners before it opens them.
        """
        for gateway in control.gateways:
            for address, port in control.sockets(gateway):
                await accepting(address, port)

    async def run(self, control: ControlPlane, settings: BootstrapSettings) -> None:
        """Run one Envoy for each gateway until cancelled.

        Raises OperatorError where a port is taken of a gateway that is declared at the start.
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
    """Return once a process accepts connections on this port."""
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
    """Check that a port of a gateway is free. Raises OperatorError, which names the `options`."""
    if error := why_taken(address, port):
        hint = (
            "ports below 1024 are for root: add --port-offset 10000"
            if isinstance(error, PermissionError)
            else f"choose others with {options}"
        )
        raise OperatorError(
            f"{gateway} cannot listen on {address}:{port} ({error.strerror}); {hint}"
        ) from error
