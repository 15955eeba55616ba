"""Every command of the README works as a newcomer types it.

`make check` and `make test` are run by .ci/run: here they would call themselves.
"""

import os
import re
import shlex
import signal
import subprocess
from contextlib import ExitStack
from typing import Self

import pytest

from tests.docs.generated import ROOT

pytestmark = pytest.mark.xdist_group("readme")  # they use the ports that the README names

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    [line for line in block.splitlines() if line]
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
]
READY = {
    "make demo": "Ctrl-C ends the demo.",
    "fleetgate up": "ready: ",
    "fleetgate.demo.backend": "listening on ",
}
"""What a command that stays prints once it can be used."""


def test_readme_has_the_commands_that_are_tested_here() -> None:
    commands = [command for block in BLOCKS for command in block]
    assert commands[0] == "make demo"
    assert [c for c in commands if "fleetgate up" in c]
    assert commands[-2:] == ["make check", "make test"]


def test_ci_runs_the_chores_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make check\n" in script
    assert "make test\n" in script


@pytest.mark.timeout(180)
def test_demo_stays_up_after_its_walk_and_ends_in_order() -> None:
    with Staying("make demo") as demo:
        pass
    assert demo.process.returncode in {0, -signal.SIGINT}  # make itself takes the Ctrl-C too
    shown = "".join(demo.lines)
    assert "Traceback" not in shown
    assert "NOT AS PROMISED" not in shown
    assert "config_dump" in shown


def test_commands_for_a_fleet_of_your_own() -> None:
    commands = [c for block in BLOCKS[1:-1] for c in block]
    outputs: dict[str, str] = {}
    with ExitStack() as background:
        for command in commands:
            if any(key in command for key in READY):
                background.enter_context(Staying(command.removesuffix("&").strip()))
                continue
            done = subprocess.run(
                shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            outputs[command] = done.stdout
    assert any("This is env east !" in output for output in outputs.values())
    assert any("Listening" in output for output in outputs.values())


class Staying:
    """A command that stays: entered once it can be used, ended as by Ctrl-C."""

    def __init__(self, command: str) -> None:
        self.lines: list[str] = []
        self._ready = next(text for key, text in READY.items() if key in command)
        self.process = subprocess.Popen(
            shlex.split(command),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            if self._ready in line:
                return self
        self.process.communicate()
        raise AssertionError("".join(self.lines))

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGINT)  # the whole group, as a terminal does
        self.lines += self.process.communicate(timeout=30)[:1]
