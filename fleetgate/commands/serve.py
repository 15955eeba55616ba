"""`fleetgate serve`: the control plane alone; Envoys run elsewhere."""

from pathlib import Path

import click

from fleetgate.certificates.given import GivenFiles
from fleetgate.commands.options import (
    ADMIN_PORT,
    NO_STATUS,
    PORT_OFFSET,
    START_DEADLINE,
    STATE_DIR,
    XDS_PORT,
    Address,
    takes_place,
)
from fleetgate.control import ControlSettings
from fleetgate.fleets import Place
from fleetgate.lifetime import run, until_stopped
from fleetgate.serving import HubDuties, ServeSettings, XdsSettings, serving

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@takes_place
@click.option(
    "--bind",
    default="0.0.0.0",  # noqa: S104 (an Envoy of its own host serves everybody)
    show_default=True,
    type=Address(),
    help="Address on which the gateways' Envoys listen, each on its own host.",
)
@PORT_OFFSET
@STATE_DIR
@START_DEADLINE
@NO_STATUS
@click.option(
    "--xds-bind",
    default="127.0.0.1",
    show_default=True,
    type=Address(),
    help="Address on which Envoys ask for their configuration. Beyond loopback they show a "
    "certificate; on a hub, fleetgate makes them itself unless they are given.",
)
@XDS_PORT
@click.option(
    "--xds-name",
    "xds_names",
    metavar="NAME",
    multiple=True,
    help="Further DNS name or IP address of the server in the certificate that fleetgate makes "
    "itself, beside that of its Service; may be repeated.",
)
@click.option("--xds-cert", metavar="FILE", type=_FILE, help="The server's certificate, PEM.")
@click.option("--xds-key", metavar="FILE", type=_FILE, help="Its key, PEM.")
@click.option(
    "--xds-client-ca",
    metavar="FILE",
    type=_FILE,
    help="Authorities of the Envoys' certificates, PEM. The three files may be replaced live.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Speak xDS in clear beyond loopback: whoever reaches it reads all configuration.",
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
    *,
    place: Place,
    bind: str,
    port_offset: int,
    state_dir: Path | None,
    start_deadline: float,
    xds_bind: str,
    xds_port: int,
    xds_names: tuple[str, ...],
    xds_cert: Path | None,
    xds_key: Path | None,
    xds_client_ca: Path | None,
    admin_bind: str,
    admin_port: int,
    write_status: bool,
    insecure: bool,
) -> None:
    """Serve a fleet's configuration to Envoys that run elsewhere.

    DIR holds the fleet: DIR/hub/*.yaml and DIR/clusters/MEMBER/*.yaml; it is watched while this
    runs. Instead of DIR, --hub-kubeconfig or --in-cluster name the API server of a hub. Envoys join
    with the bootstrap that `fleetgate bootstrap GATEWAY` prints, and beyond loopback with the
    certificate that `fleetgate certificate GATEWAY` writes.

    Exit status: 0 stopped by a signal, 2 it could not start.
    """
    settings = ServeSettings(
        control=ControlSettings(start_deadline, bind, port_offset),
        xds=XdsSettings(
            address=xds_bind,
            port=xds_port,
            given=_given(xds_cert, xds_key, xds_client_ca),
            names=xds_names,
            insecure=insecure,
        ),
        duties=HubDuties(write_status=write_status),
        state=state_dir,
        admin_address=admin_bind,
        admin_port=admin_port,
    )
    run(_serve(place, settings))


def _given(
    certificate: Path | None, key: Path | None, authorities: Path | None
) -> GivenFiles | None:
    if certificate and key and authorities:
        return GivenFiles(certificate, key, authorities)
    if certificate or key or authorities:
        raise click.UsageError("--xds-cert, --xds-key and --xds-client-ca belong together.")
    return None


async def _serve(place: Place, settings: ServeSettings) -> None:
    async with serving(place, settings) as running:
        click.echo(
            f"xDS on {settings.xds.address}:{running.xds_port}, "
            f"admin on {settings.admin_address}:{running.admin_port}; serving {place}"
        )
        await until_stopped()
