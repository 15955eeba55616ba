"""`fleetgate serve`: the control plane alone; Envoys run elsewhere."""

from pathlib import Path

import click

from fleetgate.commands.options import ADMIN_PORT, FLEET, PORT_OFFSET, XDS_PORT, Address
from fleetgate.control import ControlSettings
from fleetgate.lifetime import run, until_stopped
from fleetgate.serving import ServeSettings, serving


@click.command()
@FLEET
@click.option(
    "--bind",
    default="0.0.0.0",  # noqa: S104 (an Envoy of its own host serves everybody)
    show_default=True,
    type=Address(),
    help="Address on which the gateways' Envoys listen, each on its own host.",
)
@PORT_OFFSET
@click.option(
    "--xds-bind",
    default="127.0.0.1",
    show_default=True,
    type=Address(),
    help="Address on which Envoys ask for their configuration; beyond loopback with --insecure.",
)
@XDS_PORT
@click.option(
    "--insecure",
    is_flag=True,
    help="Allow xDS beyond loopback: whoever reaches it reads all configuration.",
)
@click.option(
    "--admin-bind",
    default="127.0.0.1",
    show_default=True,
    type=Address(),
    help="Address of fleetgate's own admin HTTP.",
)
@ADMIN_PORT
def serve(
    directory: Path,
    bind: str,
    port_offset: int,
    xds_bind: str,
    xds_port: int,
    admin_bind: str,
    admin_port: int,
    *,
    insecure: bool,
) -> None:
    """Serve a fleet's configuration to Envoys that run elsewhere.

    DIR holds the fleet: DIR/hub/*.yaml and DIR/clusters/MEMBER/*.yaml; it is watched while this
    runs. Envoys join with the bootstrap that `fleetgate bootstrap GATEWAY` prints.

    Exit status: 0 stopped by a signal, 2 it could not start.
    """
    settings = ServeSettings(
        control=ControlSettings(bind=bind, port_offset=port_offset),
        xds_address=xds_bind,
        xds_port=xds_port,
        insecure=insecure,
        admin_address=admin_bind,
        admin_port=admin_port,
    )
    run(_serve(directory, settings))


async def _serve(directory: Path, settings: ServeSettings) -> None:
    async with serving(directory, settings) as running:
        click.echo(
            f"xDS on {settings.xds_address}:{running.xds_port}, "
            f"admin on {settings.admin_address}:{running.admin_port}; serving {directory}"
        )
        await until_stopped()
