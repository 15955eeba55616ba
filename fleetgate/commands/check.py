"""`fleetgate check`: every problem of a directory fleet, without a server."""

import json
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import click

from fleet.problem import Problem
from fleet.ref import Ref
from fleetgate.commands.options import FLEET
from fleetgate.offline import Offline, read_fleet
from fleetgate.report import problem_json


@click.command()
@FLEET
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the problems.",
)
@click.pass_context
def check(ctx: click.Context, directory: Path, output: str) -> None:
    """Find every problem in a fleet's manifests.

    DIR holds the fleet: DIR/hub/*.yaml and DIR/clusters/MEMBER/*.yaml. Each problem is shown with
    file, object, key, value and what was expected. Nothing is started.

    Exit status: 0 no problem, 1 at least one, 2 DIR is no fleet.
    """
    fleet = read_fleet(directory, "127.0.0.1", 0)
    if output == "json":
        shown = [problem_json(problem, fleet.tree.file_of) for problem in fleet.problems]
        click.echo(json.dumps(shown, indent=2))
    else:
        for line in _lines(fleet.problems, fleet.tree.file_of):
            click.echo(line)
        click.echo(_summary(fleet))
    ctx.exit(1 if fleet.problems else 0)


def _lines(problems: Iterable[Problem], file_of: Callable[[Ref], str]) -> Iterable[str]:
    for ref, found in groupby(problems, key=lambda problem: problem.at):
        file = file_of(ref)
        yield file if ref.kind == "File" else f"{file}: {ref}" if file else str(ref)
        for problem in found:
            value = f": {problem.shown!r}" if problem.shown else ""
            yield f"  {problem.reason} {problem.key}".rstrip() + value
            yield f"      expected {problem.expected}"
            if problem.effect:
                yield f"      {problem.effect}"
        yield ""


def _summary(fleet: Offline) -> str:
    problems = len(fleet.problems)
    objects = len({problem.at for problem in fleet.problems})
    found = f"{problems} problem{'s'[: problems != 1]} in {objects} object{'s'[: objects != 1]}"
    unused = ", ".join(f"{n} {kind}" for kind, n in sorted(fleet.tree.unused.items()))
    read = f"{fleet.objects} objects read"
    return f"{found if problems else 'No problems'}; {read}" + (
        f"; not needed: {unused}" if unused else ""
    )
