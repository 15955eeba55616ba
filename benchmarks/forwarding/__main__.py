"""The command that measures the choice of a route: `python -m benchmarks.forwarding --help`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.forwarding.load import Load, Measured, NoWrkError, run
from benchmarks.forwarding.resources import (
    OWN_TABLES,
    as_list,
    as_served,
    one_table,
    own_tables,
    own_tables_alone,
    paths,
    rules,
)
from benchmarks.forwarding.rig import Subject, subject
from xds.resource import TypeUrl

LOADED_PATHS = 2000
"""Random paths that a load asks for. More would only make wrk's script too large."""


def main() -> int:
    """Run the measurements that the arguments name, and print tables in Markdown."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as directory:
        try:
            asyncio.run(_measure(options, Path(directory)))
        except NoWrkError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.forwarding", description=__doc__)
    parser.add_argument(
        "scenario",
        choices=["paths", "tables"],
        help="paths: hosts of many paths, as a list and as a tree; "
        "tables: a table for each host against one for all",
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=5, help="paired runs (default 5)")
    parser.add_argument("--seconds", type=int, default=2, help="of each run (default 2)")
    parser.add_argument(
        "--forward",
        action="store_true",
        help="forward to a backend on this machine instead of answering from the route",
    )
    return parser.parse_args()


async def _measure(options: argparse.Namespace, directory: Path) -> None:
    async with subject(directory) as envoy:
        if options.scenario == "paths":
            await _paths(envoy, options, directory)
        else:
            await _tables(envoy, options, directory)


async def _paths(envoy: Subject, options: argparse.Namespace, directory: Path) -> None:
    await envoy.take({TypeUrl.LISTENER: {OWN_TABLES: own_tables()}})
    port = await envoy.worker.port(OWN_TABLES)
    loads: dict[str, Load] = {}
    print("| table | bytes | Envoy takes it in | of CPU | of memory |\n|---|---|---|---|---|")
    for size in options.sizes:
        for form, make in (("list", as_list), ("served", as_served)):
            host = f"{form}-{size}.example.com"
            table = make(host, rules(host, paths(size), forward=options.forward))
            cost = await envoy.take({TypeUrl.SCOPED_ROUTE: {table.name: table}})
            print(
                f"| {form} of {size} | {len(table.body)} | {cost.took * 1e3:.0f} ms "
                f"| {cost.cpu * 1e3:.0f} ms | {cost.memory:.1f} MiB |"
            )
            asked = [(host, f"{path}/x") for path in paths(size)[:: size // LOADED_PATHS or 1]]
            loads[f"{form} of {size}"] = Load.of(asked, directory / f"{host}.lua")
    await _compare({name: (load, port) for name, load in loads.items()}, envoy, options)


async def _tables(envoy: Subject, options: argparse.Namespace, directory: Path) -> None:
    contenders: dict[str, tuple[Load, int]] = {}
    alone = own_tables_alone("own-tables-alone")
    listeners = {OWN_TABLES: own_tables(), alone.name: alone}
    for size in options.sizes:
        hosts = [f"h{n}.of-{size}.example.com" for n in range(size)]
        tables = [as_served(host, rules(host, ["/"], forward=options.forward)) for host in hosts]
        plain = one_table(f"one-table-{size}", hosts, forward=options.forward)
        listeners[plain.name] = plain
        await envoy.take({TypeUrl.LISTENER: listeners})
        await envoy.take({TypeUrl.SCOPED_ROUTE: {table.name: table for table in tables}})
        asked = [(host, "/") for host in hosts[:: size // LOADED_PATHS or 1]]
        load = Load.of(asked, directory / f"{size}.lua")
        forms = {
            "one table": plain.name,
            "own tables": OWN_TABLES,
            "own tables, no search for others": alone.name,
        }
        for form, listener in forms.items():
            contenders[f"{size} hosts, {form}"] = (load, await envoy.worker.port(listener))
    await _compare(contenders, envoy, options)


async def _compare(
    contenders: Mapping[str, tuple[Load, int]], envoy: Subject, options: argparse.Namespace
) -> None:
    """Measure all variants in turns, so that other work on the machine affects all alike."""
    measured: dict[str, list[Measured]] = {name: [] for name in contenders}
    for number in range(options.rounds):
        order = list(contenders.items())
        for name, (load, port) in order if number % 2 else reversed(order):
            measured[name].append(await run(load, port, options.seconds, envoy.worker))
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    print("\n| | requests/s | CPU a request | p99 | CPU against the first, by round |")
    print("|---|---|---|---|---|")
    first = next(iter(measured.values()))
    for name, runs in measured.items():
        rates, cpus = sorted(m.rate for m in runs), [m.cpu for m in runs]
        ratios = [m.cpu / other.cpu for m, other in zip(runs, first, strict=True)]
        print(
            f"| {name} | {median(rates):,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f}) "
            f"| {median(cpus):.1f} µs | {median(m.p99 for m in runs) / 1e3:.1f} ms "
            f"| {_spread(ratios)} |"
        )


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    sys.exit(main())
