"""`fleetgate bootstrap`: what a stock Envoy needs to join a gateway."""

import click

from fleetgate import bootstrap as envoy_bootstrap
from fleetgate.errors import OperatorError
from translators.names import parse_gateway_name


@click.command()
@click.argument("gateway", metavar="GATEWAY")
@click.option(
    "--xds-address", default="127.0.0.1", show_default=True, help="Where fleetgate serves xDS."
)
@click.option(
    "--xds-port",
    default=18000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="The port of it.",
)
@click.option("--node-id", default="", help="Name of this Envoy; its host's name by default.")
@click.option(
    "--protocol",
    type=click.Choice(["delta", "sotw"]),
    default="delta",
    show_default=True,
    help="delta sends what changed, sotw everything of a type again.",
)
@click.option(
    "--admin-port",
    default=9901,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of Envoy's own admin pages, on loopback.",
)
@click.option(
    "--full-statistics", is_flag=True, help="All of Envoy's statistics, some 190 lines a Cluster."
)
def bootstrap(
    gateway: str,
    xds_address: str,
    xds_port: int,
    node_id: str,
    protocol: str,
    admin_port: int,
    *,
    full_statistics: bool,
) -> None:
    """Print what a stock Envoy needs to join a gateway.

    GATEWAY is the flavour and the name of the gateway's object, such as mse/ackone-gateway:

        fleetgate bootstrap mse/ackone-gateway > envoy.yaml && envoy -c envoy.yaml

    Exit status: 0 printed, 2 GATEWAY is no gateway's name.
    """
    try:
        parse_gateway_name(gateway)
    except ValueError as e:
        raise OperatorError(str(e)) from e
    settings = envoy_bootstrap.BootstrapSettings(
        xds_address=xds_address,
        xds_port=xds_port,
        node_id=node_id,
        protocol=protocol,
        admin_port=admin_port,
        full_statistics=full_statistics,
    )
    click.echo(envoy_bootstrap.bootstrap(gateway, settings), nl=False)
