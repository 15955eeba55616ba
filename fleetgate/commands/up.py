"""`fleetgate up`: a directory fleet served on this machine."""

import asyncio
import tempfile
from pathlib import Path

import click

from fleetgate.commands.options import ADMIN_PORT, BIND, FLEET, PORT_OFFSET, XDS_PORT
from fleetgate.control import ControlSettings
from fleetgate.lifetime import until_stopped
from fleetgate.local import LocalFleet, local_fleet
from fleetgate.serving import ServeSettings
from translators.names import gateway_name


@click.command()
@FLEET
@BIND
@PORT_OFFSET
@XDS_PORT
@ADMIN_PORT
def up(directory: Path, bind: str, port_offset: int, xds_port: int, admin_port: int) -> None:
    """Serve a fleet on this machine: the control plane, and an Envoy for each gateway.

    DIR holds the fleet: DIR/hub/*.yaml and DIR/clusters/MEMBER/*.yaml; it is watched while this
    runs. Gateways listen on port 80 plus the offset: the first on --bind, each further one on the
    next address.

    Exit status: 0 stopped by a signal, 2 it could not start.
    """
    settings = ServeSettings(
        control=ControlSettings(bind=bind, port_offset=port_offset),
        xds_port=xds_port,
        admin_port=admin_port,
    )
    asyncio.run(_up(directory, settings))


async def _up(directory: Path, settings: ServeSettings) -> None:
    with tempfile.TemporaryDirectory(prefix="fleetgate-") as logs:
        async with (
            local_fleet(directory, settings, Path(logs)) as fleet,
            asyncio.TaskGroup() as tasks,
        ):
            click.echo(f"serving {directory}; admin on 127.0.0.1:{fleet.serving.admin_port}")
            announcing = tasks.create_task(_announce(fleet))
            await until_stopped()
            announcing.cancel()


async def _announce(fleet: LocalFleet) -> None:
    """Say when traffic flows, gateway by gateway."""
    await fleet.control.started.wait()
    if not fleet.control.gateways:
        click.echo("no gateway is declared yet: put a MseIngressConfig into hub/")
    for gateway in fleet.control.gateways:
        try:
            address, port = await fleet.listening(gateway)
        except TimeoutError as e:
            click.echo(str(e), err=True)
        else:
            click.echo(f"ready: {gateway_name(gateway)} listens on http://{address}:{port}")
