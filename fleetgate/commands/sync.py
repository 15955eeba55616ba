"""`fleetgate sync` waits until Envoys serve what is declared."""

import click

from fleetgate.commands.options import RUNNING, Seconds
from fleetgate.defaults import SYNC_TIMEOUT
from fleetgate.http.client import ask


@click.command()
@click.option(
    "--timeout",
    metavar="SECONDS",
    default=SYNC_TIMEOUT,
    show_default=True,
    type=Seconds(),
    help="How long to wait.",
)
@RUNNING
@click.pass_context
def sync(ctx: click.Context, timeout: float, admin_port: int) -> None:
    """Wait until every Envoy has acknowledged what is declared.

    The fleet's files or API servers are read again first, so that everything counts that was
    written before the call. This also waits for the hub and for attached members that cannot be
    read, and for the Envoys that `up` starts.

    Exit status: 0 in sync, 1 not in time (what is missing is printed), 2 no control plane answers.
    """
    answer = ask(admin_port, f"/sync?timeout={timeout:g}", post=True, timeout=timeout + 10)
    if answer["synced"]:
        click.echo(
            "in sync: every Envoy has acknowledged what is declared"
            if answer["envoys"]
            else "in sync: what is declared is published; no Envoy is connected"
        )
        return
    click.echo(f"not in sync after {timeout:g} s:", err=True)
    for missing in answer["missing"]:
        resource = f"{missing['type']} {missing['name']}".strip()
        where = f"{missing['node']}: " if missing["node"] else ""
        reason = f" ({missing['reason']})" if missing["reason"] and resource else missing["reason"]
        click.echo(f"  {where}{resource}{reason}", err=True)
    ctx.exit(1)
