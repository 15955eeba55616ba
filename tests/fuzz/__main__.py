"""`make fuzz`: tries random Ingresses of each dialect on a real Envoy, and prints the findings."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.fuzz.stand import BATCH, DIALECTS, Dialect, Finding, stand

LIFE: Final = 5000
"""How many Ingresses an Envoy is for. It keeps filter chains of former ones for ten minutes."""


def main() -> int:
    """Run until all Ingresses are tried, and return 1 if there were findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("number", type=int, help="how many Ingresses of each to try")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="repeats a run")
    parser.add_argument("--first", type=int, default=0, help="the number of the first Ingress")
    names = [make.__name__ for make in DIALECTS]
    parser.add_argument("--dialect", choices=names, help="this one only")
    asked = parser.parse_args()
    made = [make(asked.seed) for make in DIALECTS if asked.dialect in {None, make.__name__}]
    logging.disable(logging.WARNING)  # there are very many problems
    with tempfile.TemporaryDirectory(prefix="fleetgate-fuzz-") as root:
        findings = [
            finding
            for dialect in made
            for finding in asyncio.run(
                _run(
                    Path(root), asked.seed, dialect, range(asked.first, asked.first + asked.number)
                )
            )
        ]
    return 1 if findings else 0


async def _run(root: Path, seed: int, dialect: Dialect, numbers: range) -> list[Finding]:
    findings: list[Finding] = []
    answers, end, at = 0, numbers.stop, f"seed {seed}, {dialect.name}"
    for start in numbers[::LIFE]:
        async with stand(root / f"{dialect.name}-{start}", dialect) as tried:
            for batch in range(start, min(start + LIFE, end), BATCH):
                known, done = len(tried.findings), min(batch + BATCH, end)
                await tried.try_out(range(batch, done))
                for finding in tried.findings[known:]:
                    _say(f"{at}, from {batch}: {finding}\n")
                count, total = len(findings) + len(tried.findings), answers + tried.answers.total()
                _say(f"{at}: {done - numbers.start} of {len(numbers)} tried, ")
                _say(f"{total} answers, {count} findings\n")
        findings += tried.findings
        answers += tried.answers.total()
    return findings


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
