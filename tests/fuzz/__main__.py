"""`make fuzz`: tries any number of random Ingresses on a real Envoy, and prints the findings."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.fuzz.stand import BATCH, Finding, stand

LIFE: Final = 5000
"""How many Ingresses an Envoy is for. It keeps filter chains of former ones for ten minutes."""


def main() -> int:
    """Run until all Ingresses are tried, and return 1 if there were findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("number", type=int, help="how many Ingresses to try")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="repeats a run")
    parser.add_argument("--first", type=int, default=0, help="the number of the first Ingress")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)  # there are very many problems
    with tempfile.TemporaryDirectory(prefix="fleetgate-fuzz-") as root:
        findings = asyncio.run(_run(Path(root), asked.seed, asked.first, asked.number))
    return 1 if findings else 0


async def _run(root: Path, seed: int, first: int, number: int) -> list[Finding]:
    findings: list[Finding] = []
    answers, end = 0, first + number
    for start in range(first, end, LIFE):
        async with stand(root / str(start), seed) as tried:
            for batch in range(start, min(start + LIFE, end), BATCH):
                known, done = len(tried.findings), min(batch + BATCH, end)
                await tried.try_out(range(batch, done))
                for finding in tried.findings[known:]:
                    _say(f"seed {seed}, from {batch}: {finding}\n")
                count, total = len(findings) + len(tried.findings), answers + tried.answers.total()
                _say(f"seed {seed}: {done - first} of {number} tried, ")
                _say(f"{total} answers, {count} findings\n")
        findings += tried.findings
        answers += tried.answers.total()
    return findings


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
