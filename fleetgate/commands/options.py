"""Arguments and options that several commands share."""

import ipaddress
from pathlib import Path

import click


class Address(click.ParamType[str]):
    """An IP address."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the address as it is written; a usage error where it is none."""
        try:
            ipaddress.ip_address(value)
        except ValueError:
            self.fail(f"{value!r} is not an IP address.", param, ctx)
        return value


FLEET = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))

BIND = click.option(
    "--bind",
    default="127.0.0.1",
    show_default=True,
    type=Address(),
    help="Address of the first gateway; each further one takes the next address.",
)
PORT_OFFSET = click.option(
    "--port-offset",
    metavar="NUMBER",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65000),
    help="Added to every port of a gateway: 10000 turns port 80, which is for root, into 10080.",
)
ADMIN_PORT = click.option(
    "--admin-port",
    metavar="PORT",
    default=18001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of fleetgate's own admin HTTP, which status and sync ask; 0 takes a free one.",
)
RUNNING = click.option(
    "--admin-port",
    metavar="PORT",
    default=18001,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port of the admin HTTP of the fleetgate to ask, on this machine.",
)
XDS_PORT = click.option(
    "--xds-port",
    metavar="PORT",
    default=18000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on which Envoys ask for their configuration; 0 takes a free one.",
)
