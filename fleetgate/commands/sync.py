"""`fleetgate sync`: wait until what is declared is what Envoys serve."""

import click

from fleetgate.client import ask
from fleetgate.commands.options import ADMIN_PORT


@click.command()
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds to wait.",
)
@ADMIN_PORT
@click.pass_context
def sync(ctx: click.Context, timeout: float, admin_port: int) -> None:
    """Wait until everything declared now is acknowledged by every connected Envoy.

    The files of a directory fleet are read again first, so the answer counts what was written
    before the call.

    Exit status: 0 in sync, 1 not in time (what is missing is printed), 2 no control plane answers.
    """
    answer = ask(admin_port, f"/sync?timeout={timeout:g}", post=True, timeout=timeout + 10)
    if answer["synced"]:
        click.echo("in sync: every Envoy has acknowledged what is declared")
        return
    click.echo(f"not in sync after {timeout:g} s:", err=True)
    for missing in answer["missing"]:
        resource = f"{missing['type']} {missing['name']}".strip()
        where = f"{missing['node']}: " if missing["node"] else ""
        reason = f" ({missing['reason']})" if missing["reason"] and resource else missing["reason"]
        click.echo(f"  {where}{resource}{reason}", err=True)
    ctx.exit(1)
