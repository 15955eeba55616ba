"""`fleetgate bootstrap` prints the bootstrap with which a stock Envoy joins a gateway."""

import click
from click.core import ParameterSource

from fleetgate import bootstrap as envoy_bootstrap
from fleetgate.certificates.sds_files import SERVER_NAME, XdsTls
from fleetgate.commands.options import Host
from fleetgate.defaults import ENVOY_ADMIN_PORT, LOOPBACK, XDS_PORT
from fleetgate.errors import OperatorError
from translators.dialects import DIALECTS


@click.command()
@click.argument("gateway", metavar="GATEWAY")
@click.option(
    "--xds-address",
    metavar="HOST",
    default=LOOPBACK,
    show_default=True,
    type=Host(),
    help="Address or DNS name at which this Envoy finds fleetgate.",
)
@click.option(
    "--xds-port",
    metavar="PORT",
    default=XDS_PORT,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port on which fleetgate serves xDS.",
)
@click.option(
    "--tls-dir",
    metavar="DIR",
    default="",
    help="Absolute path, as this Envoy sees it, of what `fleetgate certificate` wrote; its files "
    "may be replaced while Envoy runs. Without it, xDS is spoken in clear.",
)
@click.option(
    "--sds-dir",
    metavar="DIR",
    default="",
    help="Absolute path of the two SDS documents, if they are not with the rest in --tls-dir.",
)
@click.option(
    "--xds-server-name",
    metavar="NAME",
    default=SERVER_NAME,
    show_default=True,
    type=Host(),
    help="DNS name in fleetgate's own certificate, at whatever address it is reached.",
)
@click.option(
    "--node-id",
    metavar="NAME",
    default="",
    help="Name of this Envoy, as status shows it; by default that of the host that runs this.",
)
@click.option(
    "--protocol",
    type=click.Choice(["delta", "sotw"]),
    default="delta",
    show_default=True,
    help="How xDS is spoken: delta sends what has changed, sotw all of a type again.",
)
@click.option(
    "--admin-port",
    metavar="PORT",
    default=ENVOY_ADMIN_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of Envoy's own admin pages, on loopback; 0 takes a free one.",
)
@click.option(
    "--full-statistics",
    is_flag=True,
    help="Let Envoy keep all of its statistics, some 190 a Cluster instead of 2.",
)
@click.pass_context
def bootstrap(
    ctx: click.Context,
    gateway: str,
    xds_address: str,
    xds_port: int,
    tls_dir: str,
    sds_dir: str,
    xds_server_name: str,
    node_id: str,
    protocol: str,
    admin_port: int,
    *,
    full_statistics: bool,
) -> None:
    """Print what a stock Envoy needs to join a gateway.

    GATEWAY is the flavour and the name of the gateway's object, such as mse/ackone-gateway for a
    MseIngressConfig and alb/NAME for an AlbConfig:

    \b
        fleetgate bootstrap mse/ackone-gateway > envoy.yaml && envoy -c envoy.yaml

    Exit status: 0 printed, 2 GATEWAY is no gateway's name, or an option not usable.
    """
    try:
        DIALECTS.parse_name(gateway)
    except ValueError as e:
        raise OperatorError(str(e)) from e
    named = ctx.get_parameter_source("xds_server_name") is not ParameterSource.DEFAULT
    if named and not tls_dir:
        raise click.UsageError("--xds-server-name needs --tls-dir: without it, xDS is in clear.")
    settings = envoy_bootstrap.BootstrapSettings(
        xds_address=xds_address,
        xds_port=xds_port,
        node_id=node_id,
        protocol=protocol,
        admin_port=admin_port,
        full_statistics=full_statistics,
        tls=_tls(tls_dir, sds_dir, xds_server_name),
    )
    click.echo(envoy_bootstrap.bootstrap(gateway, settings), nl=False)


def _tls(directory: str, documents: str, server_name: str) -> XdsTls | None:
    if documents and not directory:
        raise OperatorError("--sds-dir needs --tls-dir, where the files are that it tells of")
    for option, path in (("--tls-dir", directory), ("--sds-dir", documents)):
        if path and not path.startswith("/"):
            raise OperatorError(
                f"{option} {path} has to be an absolute path: "
                "Envoy would look from where it is started"
            )
    if not directory:
        return None
    return XdsTls(directory.rstrip("/") or "/", server_name, documents.rstrip("/"))
