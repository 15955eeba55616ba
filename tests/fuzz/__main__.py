"""`make fuzz`: tries any number of random Ingresses on a real Envoy, and prints the findings."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.stand import Finding, stand

BATCH = 200


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
    async with stand(root, seed) as tried:
        for start in range(first, first + number, BATCH):
            known = len(tried.findings)
            end = min(start + BATCH, first + number)
            await tried.try_out(range(start, end))
            for finding in tried.findings[known:]:
                _say(f"seed {seed}, from {start}: {finding}\n")
            _say(f"seed {seed}: {end - first} of {number} tried, {tried.answers} answers, ")
            _say(f"{len(tried.findings)} findings\n")
        return tried.findings


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
