"""`fleetgate demo` tries the documents' examples on an embedded fleet with a real Envoy."""

import click

from fleetgate.commands.options import admin_port_option, port_offset_option
from fleetgate.demo.show import show
from fleetgate.lifetime import run


@click.command()
@click.option("--once", is_flag=True, help="End after the walk instead of staying up.")
@port_offset_option(10000)
@admin_port_option(18010)  # the documents' AlbConfig listens on 8001, and so on 18001 here
@click.pass_context
def demo(ctx: click.Context, port_offset: int, admin_port: int, *, once: bool) -> None:
    """Walk through the documents' examples with real requests.

    Starts an embedded fleet (a hub and two members with real HTTP backends), the control plane and
    a real Envoy, shows for each example what was asked, what came back and whether that is what the
    documents promise, and then stays up for you to try.

    Exit status: 0 every example held, 1 one did not or the walk was stopped, 2 it could not start.
    """
    verbose = ctx.find_root().params["verbose"]
    held = run(show(port_offset, admin_port, once=once, verbose=verbose))
    if held is None:
        click.echo("fleetgate: stopped before the walk was over", err=True)
    ctx.exit(0 if held else 1)
