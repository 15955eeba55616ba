"""`fleetgate check` prints every problem of a directory fleet, without a server."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from fleet.problem import Severity
from fleetgate.commands.findings import columns, problem_lines
from fleetgate.commands.options import FLEET
from fleetgate.core.offline import Offline, read_fleet
from fleetgate.defaults import LOOPBACK
from fleetgate.http.status import problem_json


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

    DIR holds the fleet: manifests in DIR/hub/ and DIR/clusters/MEMBER/, settings of members in
    DIR/members/MEMBER.yaml. Each problem is shown with file, object, key, value and what was
    expected. Objects of kinds that fleetgate does not need
    are no problem and only counted. Nothing is started.

    Hints are shown in the same way. A hint is no problem, since its object may be as you want it.
    At the end, a table counts the Ingresses with each annotation that is known and not carried out.
    Annotations that only tune NGINX are one hint.

    Exit status: 0 no problem, 1 at least one, 2 DIR is no fleet.
    """
    fleet = read_fleet(directory, LOOPBACK, 0)
    problems = [problem_json(problem, fleet.tree.file_of) for problem in fleet.problems]
    if output == "json":
        click.echo(json.dumps(problems, indent=2))
    else:
        for line in (*problem_lines(problems), *_not_carried_out(fleet)):
            click.echo(line)
        click.echo(_summary(fleet))
    ctx.exit(1 if _count_of(fleet, Severity.WARNING) else 0)


def _not_carried_out(fleet: Offline) -> Iterator[str]:
    """Yield the table of annotations that are known and not carried out, none where it is empty."""
    if not fleet.not_carried_out:
        return
    head = ("ANNOTATION THAT IS NOT CARRIED OUT", "INGRESSES", "WITHOUT IT")
    counts = sorted(fleet.not_carried_out.items(), key=_most_first)
    yield from columns(head, [(key, str(n), without) for (key, without), n in counts])
    yield ""


def _most_first(counted: tuple[tuple[str, str], int]) -> tuple[int, str]:
    (annotation, _), number = counted
    return -number, annotation


def _summary(fleet: Offline) -> str:
    problems, hints = (_count_of(fleet, severity) for severity in Severity)
    findings = _count(problems, "problem") if problems else "No problems"
    findings += f", {_count(hints, 'hint')}" if hints else ""
    unused = ", ".join(f"{n} {kind}" for kind, n in sorted(fleet.tree.unused.items()))
    not_needed = f"; not needed: {unused}" if unused else ""
    return f"{findings}; {_count(fleet.objects, 'object')} read{not_needed}"


def _count_of(fleet: Offline, severity: Severity) -> int:
    return sum(problem.severity is severity for problem in fleet.problems)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
