"""The command that measures fleetgate: `python -m benchmarks --help`."""

import re
import signal
import sys
from pathlib import Path
from typing import Final

import click

from benchmarks.client import Unbuilt, build
from benchmarks.progress import Progress
from benchmarks.results import Unreadable, load
from benchmarks.run import planned, run
from benchmarks.scenarios import SCENARIOS
from benchmarks.table import compared, tables
from fleetgate.errors import OperatorError
from tests.servers import binaries
from tests.support import kube

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "performance.md"

_PART: Final = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


class _Sizes(click.ParamType[tuple[int, ...]]):
    name = "numbers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(part.isdecimal() for part in parts):
            self.fail(f"{value!r} is not a list of numbers such as 0,1000,5000.", param, ctx)
        return tuple(map(int, parts))


def _epilog() -> str:
    named = [f"  {scenario.name:<12}{scenario.about}" for scenario in SCENARIOS]
    return "\n".join(["\b", "Scenarios:", *named])


@click.command(epilog=_epilog())
@click.argument("names", metavar="[SCENARIO]...", nargs=-1)
@click.option("--runs", default=1, show_default=True, type=click.IntRange(1), help="Of each step.")
@click.option(
    "--hosts",
    default="0,1000,5000",
    show_default=True,
    type=_Sizes(),
    help="Sizes at which is measured; what has one size takes the largest.",
)
@click.option(
    "--growth",
    type=click.IntRange(1),
    help="A larger size, up to which memory and real Envoys are followed; none by default.",
)
@click.option("--out", type=_FILE, help="File for the results, as JSON.")
@click.option("--compare", type=_FILE, help="Results of an earlier run: say what changed.")
@click.option("--write-docs", is_flag=True, help=f"Write the tables into {DOCUMENT.name}.")
def main(
    *,
    names: tuple[str, ...],
    runs: int,
    hosts: tuple[int, ...],
    growth: int | None,
    out: Path | None,
    compare: Path | None,
    write_docs: bool,
) -> None:
    """Measure fleetgate on real API servers, and print tables in Markdown.

    All scenarios are measured unless some are named. etcd, three kube-apiservers, fleetgate and
    its clients run on this machine and share its cores, so nothing else should run here.

    Exit status: 0 all was measured, 1 something failed, 2 wrong usage or environment.
    """
    unknown = set(names) - {scenario.name for scenario in SCENARIOS}
    if unknown:
        raise click.UsageError(f"There is no scenario {', '.join(sorted(unknown))}.")
    if names and write_docs:
        raise click.UsageError("--write-docs is for all scenarios: the tables are written whole.")
    wanted = [scenario for scenario in SCENARIOS if not names or scenario.name in names]
    earlier = load(compare) if compare else None
    binaries.main()
    if lacking := kube.available():
        raise OperatorError(lacking)
    results = run(planned(wanted, hosts, growth), runs, build(), Progress())
    if out:
        out.write_text(results.dump(), encoding="utf-8")
    text = tables(results, {scenario.name: scenario.about for scenario in SCENARIOS})
    click.echo(text)
    if write_docs:
        _write_document(text)
    if earlier:
        click.echo(compared(earlier, results))
    if results.failures:
        sys.exit(1)


def _write_document(text: str) -> None:
    """Write the tables between two comments of a document."""
    before = DOCUMENT.read_text(encoding="utf-8")
    after = _PART.sub(lambda found: found[1] + text + found[2], before)
    DOCUMENT.write_text(after, encoding="utf-8")


def _command() -> None:
    """Run as a command. A mistake gives one sentence, and SIGTERM cleans up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (OperatorError, Unbuilt, Unreadable) as e:
        click.echo(f"benchmarks: {e}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    _command()
