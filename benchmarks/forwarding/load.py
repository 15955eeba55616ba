"""Sends a load by wrk, and measures the cost for the Envoy that takes it."""

import asyncio
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.forwarding.rig import Worker

CONNECTIONS: Final = 16

_RATE: Final = re.compile(r"Requests/sec:\s+([\d.]+)")
_TOTAL: Final = re.compile(r"(\d+) requests in")
_P99: Final = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_FAILED: Final = re.compile(r"Non-2xx or 3xx responses: \d+|Socket errors: .*")
_IN_MICROSECONDS: Final = {"us": 1.0, "ms": 1e3, "s": 1e6}

_SCRIPT: Final = """
local asked = {{ {asked} }}
local ready = {{}}
init = function()
  for i, each in ipairs(asked) do
    ready[i] = wrk.format("GET", each[2], {{ Host = each[1] }})
  end
end
request = function() return ready[math.random(#ready)] end
"""


class NoWrkError(Exception):
    """wrk is not installed."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load of random requests. Each pair of host and path is a line of a script for wrk."""

    script: Path

    @classmethod
    def of(cls, asked: Sequence[tuple[str, str]], script: Path) -> "Load":
        """Write the script of a load."""
        lines = ", ".join(f'{{"{host}", "{path}"}}' for host, path in asked)
        script.write_text(_SCRIPT.format(asked=lines))
        return cls(script)


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests a second, Envoy's CPU per request and the 99th percentile, both in microseconds."""

    rate: float
    cpu: float
    p99: float


async def run(
    load: Load, port: int, seconds: int, worker: Worker, *, refused: bool = False
) -> Measured:
    """Send a load to a listener. Raises NoWrkError, and RuntimeError if an answer is not 200.

    With `refused`, answers of any status count.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoWrkError("wrk is not installed; on Debian: apt-get install wrk")
    before = worker.cpu()
    process = await asyncio.create_subprocess_exec(
        wrk,
        *("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", load.script),
        f"http://127.0.0.1:{port}/",
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await process.communicate())[0].decode()
    spent = worker.cpu() - before
    if (failed := _FAILED.search(output)) and not (refused and failed[0].startswith("Non-2xx")):
        raise RuntimeError(f"{load.script.name}: {failed[0]}")
    rate, total, p99 = _RATE.search(output), _TOTAL.search(output), _P99.search(output)
    if not (rate and total and p99):
        raise RuntimeError(f"wrk ended with {process.returncode}: {output}")
    return Measured(
        float(rate[1]), spent / int(total[1]) * 1e6, float(p99[1]) * _IN_MICROSECONDS[p99[2]]
    )
