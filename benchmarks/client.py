"""Builds and runs the client, a Go program beside this module that writes and measures.

It is built once, in a cache outside of the checkout, under a name that is derived from its sources.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent / "client"


class Unbuilt(Exception):
    """The client cannot be built. The text says why."""


class Failed(Exception):
    """A measurement has failed. The text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The output of the client: samples in milliseconds, and single numbers."""

    samples: Mapping[str, Sequence[float]]
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Client:
    """The built client."""

    binary: Path

    def run(self, command: str, *arguments: str) -> Outcome:
        """Run a command to its end. Raises Failed."""
        words = [str(self.binary), command, *arguments]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                said, complaint = process.communicate()
            finally:
                process.kill()
        if process.returncode:
            raise Failed(complaint.decode().strip()[-2000:] or f"{command} was ended")
        read = json.loads(said)
        return Outcome(read["samples"], read["numbers"])


def build() -> Client:
    """Build the client unless it is in the cache. Raises Unbuilt."""
    digest = hashlib.sha256()
    for source in sorted([*SOURCES.glob("go.*"), *SOURCES.glob("*.go")]):
        digest.update(source.read_bytes())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    binary = Path(home, "fleetgate", f"bench-client-{digest.hexdigest()[:12]}")
    if not binary.exists():
        if shutil.which("go") is None:
            raise Unbuilt("The benchmarks' client is a Go program, and there is no Go on PATH.")
        binary.parent.mkdir(parents=True, exist_ok=True)
        new = binary.with_suffix(f".{os.getpid()}")
        command = ["go", "build", "-trimpath", "-o", str(new), "."]
        env = os.environ | {"GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
        done = subprocess.run(command, cwd=SOURCES, env=env, check=False)
        if done.returncode:
            raise Unbuilt(f"The client cannot be built: {' '.join(command)} failed in {SOURCES}.")
        new.replace(binary)
    return Client(binary)
