"""Measures requests a second on a host with many paths, and on a host with few."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bench import NOTHING, Bench
from benchmarks.figures import Case, Figure
from benchmarks.forwarding.load import Load, NoWrkError
from benchmarks.forwarding.load import run as ask
from benchmarks.forwarding.resources import OWN_TABLES, as_served, own_tables, paths, rules
from benchmarks.forwarding.rig import subject
from benchmarks.scenarios.step import Scenario, Step, Unavailable
from xds.resource import TypeUrl

NAME: Final = "forwarding"
FEW: Final = 10
MANY: Final = 5000
ROUNDS: Final = 25
"""The rounds of a measurement. One round varies by a tenth, even on an idle machine."""
SECONDS: Final = 1

_ASKED: Final = 2000
"""The number of paths that a load asks for, spread over all of them."""


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    del sizes
    yield Step(f"{MANY} paths", NOTHING, _measure)


def _measure(bench: Bench) -> Iterable[Figure]:
    del bench
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        try:
            rates = asyncio.run(_rates(Path(place)))
        except NoWrkError as e:
            raise Unavailable(str(e)) from e
    few, many = Case(NAME, f"{FEW} paths"), Case(NAME, f"{MANY} paths")
    pairs = zip(rates[FEW], rates[MANY], strict=True)
    yield few.figure("requests", median(rates[FEW]), "/s")
    yield many.figure("requests", median(rates[MANY]), "/s")
    yield many.figure(f"of a host with {FEW}", 100 * median(b / a for a, b in pairs), "%")


async def _rates(place: Path) -> dict[int, list[float]]:
    """Requests a second by paths, measured in turns, so that other work affects both alike."""
    async with subject(place) as envoy:
        await envoy.take({TypeUrl.LISTENER: {OWN_TABLES: own_tables()}})
        port = await envoy.worker.port(OWN_TABLES)
        loads = {}
        for size in (FEW, MANY):
            host = f"of-{size}.example.com"
            table = as_served(host, rules(host, paths(size), forward=True))
            await envoy.take({TypeUrl.SCOPED_ROUTE: {table.name: table}})
            asked = [(host, f"{path}/x") for path in paths(size)[:: size // _ASKED or 1]]
            loads[size] = Load.of(asked, place / f"{host}.lua")
        rates: dict[int, list[float]] = {size: [] for size in loads}
        for number in range(ROUNDS):
            # The order alternates, so that neither profits from being the second of a pair.
            for size, load in sorted(loads.items(), reverse=bool(number % 2)):
                rates[size].append((await ask(load, port, SECONDS, envoy.worker)).rate)
        return rates


FORWARDING = Scenario(
    NAME, f"one worker of a real Envoy that forwards, {ROUNDS} paired rounds of wrk", _steps
)
