"""`fleetgate demo`: the documents' examples on an embedded fleet with a real Envoy."""

import asyncio

import click

from fleetgate.commands.options import ADMIN_PORT
from fleetgate.demo.show import show


@click.command()
@click.option("--once", is_flag=True, help="End after the walk; exit 0 only if every example held.")
@click.option(
    "--port-offset",
    default=10000,
    show_default=True,
    type=click.IntRange(0, 65000),
    help="Added to every port of a gateway: with 10000, port 80 is 10080.",
)
@ADMIN_PORT
@click.pass_context
def demo(ctx: click.Context, port_offset: int, admin_port: int, *, once: bool) -> None:
    """Walk through the documents' examples with real requests.

    Starts an embedded fleet (a hub and two members with real HTTP backends), the control plane and
    a real Envoy, shows for each example what was asked, what came back and whether that is what the
    documents promise, and then stays up for you to try.

    Exit status: 0 every example held, 1 one did not, 2 it could not start.
    """
    ctx.exit(0 if asyncio.run(show(port_offset, admin_port, once=once)) else 1)
