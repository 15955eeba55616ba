"""Measures the cost per request of the worst patterns that users may write, on a real Envoy."""

import asyncio
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.bench import NOTHING, Bench
from benchmarks.figures import Case, Figure
from benchmarks.forwarding.resources import OWN_TABLES, as_served, own_tables, rules
from benchmarks.forwarding.rig import Subject, subject
from benchmarks.scenarios.step import Scenario, Step
from translators.dialects.annotations.values import pattern
from translators.model.bounds import MAX_INSTRUCTIONS_OF_HOST, MAX_MATCHED, MAX_PATTERNS
from translators.model.conditions import Condition, Text, Where
from translators.model.rules import Rule
from xds.resource import TypeUrl

NAME: Final = "patterns"
REQUESTS: Final = 300
"""The requests of each case. There are many since CPU is counted in ticks of 10 ms."""

LONGER: Final = 50_000
"""The bytes of a value that is longer than the values that patterns are matched with."""

_HEADER: Final = "x-stage"


def _steps(sizes: Sequence[int]) -> Iterator[Step]:
    del sizes
    yield Step(f"{MAX_PATTERNS} patterns", NOTHING, _measure)


def _measure(bench: Bench) -> Iterable[Figure]:
    del bench
    with tempfile.TemporaryDirectory(prefix="fleetgate-bench-") as place:
        return asyncio.run(_costs(Path(place)))


async def _costs(place: Path) -> list[Figure]:
    of_host = MAX_INSTRUCTIONS_OF_HOST // _worst(0).instructions
    hosts = {f"{count} patterns": count for count in (0, MAX_PATTERNS, of_host)}
    figures = []
    async with subject(place) as envoy, aiohttp.ClientSession() as client:
        await envoy.take({TypeUrl.LISTENER: {OWN_TABLES: own_tables()}})
        url = f"http://127.0.0.1:{await envoy.worker.port(OWN_TABLES)}/"
        for name, count in hosts.items():
            host = f"of-{count}.example.com"
            table = as_served(host, _rules(host, count))
            await envoy.take({TypeUrl.SCOPED_ROUTE: {table.name: table}})
            for length in (MAX_MATCHED, LONGER):
                cost = await _cost(envoy, client, url, host, length)
                case = Case(NAME, f"{name}, a value of {length} bytes")
                figures.append(case.figure("CPU per request", cost, "ms"))
    return figures


def _rules(host: str, count: int) -> list[Rule]:
    """A rule of a path, and other rules in front of it, each with the worst pattern."""
    (rest,) = rules(host, ["/"], forward=False)
    conditions = [Condition(Where.HEADER, _HEADER, (_worst(n),)) for n in range(count)]
    return [*(replace(rest, conditions=(condition,)) for condition in conditions), rest]


def _worst(number: int) -> Text:
    """A pattern for which RE2 builds no automaton, almost as large as permitted."""
    found = pattern(f"a[ab]{{{190 - number}}}c", ".*(?:{}).*")
    return Text(found.regex, regex=True, instructions=found.instructions)


async def _cost(
    envoy: Subject, client: aiohttp.ClientSession, url: str, host: str, length: int
) -> float:
    """The milliseconds of Envoy's CPU for a request with a value that is new to it."""
    values = ["".join(random.choices("ab", k=length)) for _ in range(REQUESTS)]  # noqa: S311
    before = envoy.worker.cpu()
    for value in values:
        async with client.get(url, headers={"host": host, _HEADER: value}) as answer:
            answer.raise_for_status()
    return (envoy.worker.cpu() - before) / REQUESTS * 1e3


PATTERNS = Scenario(
    NAME,
    "a real Envoy that compares values with the worst patterns that users may write, of a path and "
    "of a host",
    _steps,
)
