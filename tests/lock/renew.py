"""Write the locks anew: `make lock`.

A lock names each package that is installed, direct or not, by exact version and hashes, for every
Python and platform that fleetgate runs on. The ranges of `pyproject.toml` are for whoever installs
the package itself; the locks are for what this repository installs.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PLACE: Final = ROOT / "deploy" / "lock"

_OLDEST_PYTHON: Final = "3.11"
_HEAD: Final = "# Written by `make lock`, for Python 3.11 and newer.\n"
_ENTRY: Final = re.compile(r"^([A-Za-z0-9][-._A-Za-z0-9]*)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lock:
    """One file of exact versions: what it is made from, and the lock that it has to agree with."""

    name: str
    source: Sequence[str]
    within: str = ""

    @property
    def file(self) -> Path:
        """Where it is."""
        return PLACE / self.name


LOCKS: Final = (
    Lock("build.txt", ("--group", "pyproject.toml:build")),
    Lock("dev.txt", ("pyproject.toml", "--extra", "dev"), within="build.txt"),
    Lock("image.txt", ("pyproject.toml",), within="dev.txt"),
)
"""What builds wheels, what `make` installs, and what the image runs, each within the one before."""


def versions(text: str) -> Mapping[str, str]:
    """The version of each package in a lock."""
    return dict(_ENTRY.findall(text))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """What differs, a line each."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            yield f"{name} {new} is new"
        elif new is None:
            yield f"{name} {old} is gone"
        elif old != new:
            yield f"{name} {old} -> {new}"


def renew(lock: Lock, *, upgrade: bool) -> None:
    """Resolve one lock, from what is there or, to upgrade, from the newest versions allowed."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *lock.source]
    command += ["--universal", "--python-version", _OLDEST_PYTHON, "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--quiet", "--output-file", str(lock.file)]
    command += ["--constraints", str(PLACE / lock.within)] if lock.within else []
    command += ["--upgrade"] if upgrade else []
    subprocess.run(command, cwd=ROOT, check=True)
    lock.file.write_text(_HEAD + lock.file.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> None:
    """Renew every lock, and say what changed."""
    parser = argparse.ArgumentParser(description="Write the locks anew.")
    parser.add_argument(
        "--keep", action="store_true", help="keep the versions that are locked and still fit"
    )
    upgrade = not parser.parse_args().keep
    for lock in LOCKS:
        before = versions(lock.file.read_text(encoding="utf-8")) if lock.file.exists() else {}
        renew(lock, upgrade=upgrade)
        found = list(changes(before, versions(lock.file.read_text(encoding="utf-8"))))
        print(f"{lock.file.relative_to(ROOT)}: {len(found)} changed")  # noqa: T201
        for line in found:
            print(f"  {line}")  # noqa: T201


if __name__ == "__main__":
    main()
