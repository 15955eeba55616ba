"""A command ends without a traceback when its reader goes away, or its output is full."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.commands import FLEETGATE, PATIENCE, Ended, below, free_offset, runs


def _to_full(*command: str | Path, unbuffered: str = "") -> Ended:
    """Run a command with a stdout that takes nothing."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [*FLEETGATE, *map(str, command)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            timeout=PATIENCE,
        )
    return Ended(ended.returncode, "", ended.stderr)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["--help", "check", "translate"])
def test_output_that_cannot_be_written_is_told(command: str, unbuffered: str, fleet: Path) -> None:
    directory = () if command == "--help" else (fleet,)

    ended = _to_full(command, *directory, unbuffered=unbuffered)

    ended.says("what is to be printed cannot be written (no space left on device)")


def test_a_demo_that_cannot_be_shown_is_told() -> None:
    ended = _to_full("demo", "--port-offset", free_offset(), "--admin-port", "0")

    ended.says("what is to be printed cannot be written (no space left on device)")


@pytest.mark.parametrize("command", ["--help", "check", "translate"])
def test_a_reader_that_went_away_is_no_mistake(command: str, fleet: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    directory = () if command == "--help" else (fleet,)
    with os.fdopen(writing, "w") as broken:
        ended = subprocess.run(
            [*FLEETGATE, *map(str, (command, *directory))],
            stdout=broken,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize("options", [["--once"], []], ids=["once", "staying"])
def test_a_demo_whose_reader_went_away_ends_and_leaves_nothing_behind(options: list[str]) -> None:
    place = ("--port-offset", free_offset(), "--admin-port", "0")
    with subprocess.Popen(
        [*FLEETGATE, "demo", *options, *place],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout
        assert demo.stderr
        assert any(line.startswith("Example 1") for line in demo.stdout)
        pids = [pid for pid, _ in below(demo.pid)]
        demo.stdout.close()
        err = demo.stderr.read()

    assert (demo.returncode, err) == (1, "")
    assert len(pids) > 2
    assert [pid for pid in pids if runs(pid)] == []
