"""`fleetgate translate` prints Envoy's resources for a directory fleet, without a server."""

import json
from pathlib import Path
from typing import Any

import click
import yaml

from fleetgate.commands.options import BIND, FLEET, PORT_OFFSET
from fleetgate.core.offline import read_fleet, show
from fleetgate.errors import OperatorError


@click.command()
@FLEET
@click.option(
    "--gateway",
    metavar="NAME",
    help="Only this gateway, such as mse/ackone-gateway; by default all.",
)
@BIND
@PORT_OFFSET
@click.option(
    "-o",
    "--output",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="How to print the resources.",
)
def translate(
    directory: Path, gateway: str | None, bind: str, port_offset: int, output: str
) -> None:
    """Print what Envoys would be sent for a fleet.

    DIR holds the fleet: manifests in DIR/hub/ and DIR/clusters/MEMBER/. One document a gateway,
    with its listeners, scoped_routes, clusters and endpoints as Envoy's config_dump shows them.
    Problems are not shown: `fleetgate check DIR` does that.

    Exit status: 0 printed, 2 DIR is no fleet or has no such gateway.
    """
    fleet = read_fleet(directory, bind, port_offset)
    if gateway is not None and gateway not in fleet.resources:
        known = ", ".join(sorted(fleet.resources)) or "none"
        raise OperatorError(f"{directory} has no gateway {gateway}; it has: {known}")
    documents = [
        {"gateway": name, **show(resources)}
        for name, resources in sorted(fleet.resources.items())
        if gateway in {None, name}
    ]
    if output == "json":
        click.echo(json.dumps(documents, indent=2))
    else:
        click.echo(_yaml(documents), nl=False)


def _yaml(documents: list[dict[str, Any]]) -> str:  # JSON
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=120, explicit_start=True)


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines, such as a Lua script, as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
