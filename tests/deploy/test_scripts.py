"""Scripts are clean by shellcheck, and say how they are used."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.rendered import DEPLOY
from tests.support.requirement import require

SCRIPTS = sorted(DEPLOY.rglob("*.sh"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    require(None if shutil.which("shellcheck") else "no shellcheck (Debian: shellcheck)")

    found = subprocess.run(
        ["shellcheck", "--external-sources", script.relative_to(DEPLOY.parent)],
        cwd=DEPLOY.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert found.stdout == ""
    assert found.returncode == 0


@pytest.mark.parametrize(
    "script", [s for s in SCRIPTS if s.stat().st_mode & 0o100], ids=lambda path: path.name
)
def test_help_says_how_it_is_used(script: Path) -> None:
    said = subprocess.run(
        [script, "--help"], capture_output=True, text=True, timeout=60, check=False
    )

    assert said.returncode == 0
    assert said.stdout.startswith(f"Usage: {script.name} ")
