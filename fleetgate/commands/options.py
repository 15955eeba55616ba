"""Options that several commands share."""

from pathlib import Path

import click

FLEET = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))

BIND = click.option(
    "--bind",
    default="127.0.0.1",
    show_default=True,
    help="Address of the first gateway; each further one takes the next address.",
)
PORT_OFFSET = click.option(
    "--port-offset",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65000),
    help="Added to every port of a gateway, so that 80 becomes a port open to everybody.",
)
ADMIN_PORT = click.option(
    "--admin-port",
    default=18001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of fleetgate's own admin HTTP on loopback; 0 takes a free one.",
)
XDS_PORT = click.option(
    "--xds-port",
    default=18000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on which Envoys ask for their configuration; 0 takes a free one.",
)
