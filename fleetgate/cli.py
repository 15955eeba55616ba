"""The command line: `fleetgate COMMAND`, also `python -m fleetgate`.

Exit status: 0 for success, 1 for a negative answer, 2 for a mistake in the call or the environment.
"""

import logging
import sys
from importlib import import_module
from typing import Any, Final

import click

from fleetgate.errors import OperatorError, operator_error
from fleetgate.log_bound import LogBound
from fleetgate.output import ReaderGone, checked_stdout

COMMANDS: Final = (
    "demo",
    "up",
    "serve",
    "bootstrap",
    "certificate",
    "check",
    "translate",
    "status",
    "sync",
)
"""The commands, in the order in which a newcomer meets them.

Each is a module of `fleetgate.commands`. It is imported when the command is called or its help is
shown.
"""


class _Commands(click.Group):
    """The group of all commands. It prints an operator's mistake as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, and return it."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"fleetgate.commands.{cmd_name}"), cmd_name)
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (click's own)
        """Run the command. A mistake of the operator ends it without a traceback."""
        with checked_stdout():
            try:
                return super().main(*args, **kwargs)
            except (OperatorError, BaseExceptionGroup) as e:
                mistake = operator_error(e)
                if mistake is None:
                    raise
                if isinstance(mistake, ReaderGone):
                    sys.exit(1)
                click.echo(f"fleetgate: {mistake}", err=True)
                sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fleetgate", prog_name="fleetgate")
@click.option("-v", "--verbose", is_flag=True, help="Log every decision, not only warnings.")
def main(*, verbose: bool) -> None:
    """The open gateway for fleets of Kubernetes clusters.

    An Ingress is declared once, on the fleet's hub; Envoy serves it in front of every member.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)-7s %(message)s",
        stream=sys.stderr,
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogBound())
    # The library logs an error for each refusal of the Lease. `fleet.kubernetes.lease` logs one.
    logging.getLogger("kubernetes.aio.leaderelection").setLevel(logging.CRITICAL)
