"""`fleetgate up`: a directory fleet served on this machine."""

import asyncio
import tempfile
from pathlib import Path

import click

from fleet.ref import Ref
from fleetgate.commands.options import ADMIN_PORT, BIND, FLEET, PORT_OFFSET, XDS_PORT
from fleetgate.control import ControlSettings
from fleetgate.lifetime import run, until_stopped
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
    """Serve a fleet on this machine, with an Envoy for each gateway.

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
    run(_up(directory, settings))


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
    """Say when traffic flows, gateway by gateway, also of those that are declared later."""
    control = fleet.control
    changed = asyncio.Event()
    stop = control.cache.on_change(changed.set)
    announcing: dict[Ref, asyncio.Task[None]] = {}
    try:
        await control.started.wait()
        if not control.gateways:
            click.echo("no gateway is declared yet: put a MseIngressConfig into hub/")
        async with asyncio.TaskGroup() as tasks:
            while True:
                for ref in announcing.keys() - control.gateways.keys():
                    announcing.pop(ref).cancel()
                for ref in sorted(control.gateways.keys() - announcing.keys()):
                    announcing[ref] = tasks.create_task(_announce_one(fleet, ref))
                changed.clear()
                await changed.wait()
    finally:
        stop()


async def _announce_one(fleet: LocalFleet, gateway: Ref) -> None:
    try:
        address, port = await fleet.listening(gateway)
    except TimeoutError as e:
        click.echo(str(e), err=True)
    else:
        click.echo(f"ready: {gateway_name(gateway)} listens on http://{address}:{port}")
