"""The help of every command explains its purpose, its options and its exit status."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from fleetgate.cli import COMMANDS, main

EXIT_STATUSES = {
    "bootstrap": "02",
    "certificate": "02",
    "check": "012",
    "demo": "012",
    "serve": "02",
    "status": "02",
    "sync": "012",
    "translate": "02",
    "up": "02",
}


def _command(name: str) -> click.Command:
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


def _help(*command: str) -> str:
    shown = CliRunner().invoke(main, [*command, "--help"], terminal_width=100)
    assert shown.exit_code == 0
    return shown.output


def test_all_commands_are_listed_with_a_whole_sentence() -> None:
    shown = CliRunner().invoke(main, ["--help"], terminal_width=78).output
    for line in shown.partition("Commands:\n")[2].split("\n"):
        assert line == "" or line.endswith("."), line
        assert not line.endswith("..."), line
    assert set(EXIT_STATUSES) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_text_and_its_default(name: str) -> None:
    for parameter in _command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.endswith("."), parameter.name
            default = parameter.to_info_dict()["default"]
            shown = parameter.is_flag or default in {None, ""} or parameter.show_default
            assert shown, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_explained(name: str) -> None:
    for parameter in _command(name).params:
        if isinstance(parameter, click.Argument):
            shown = (parameter.metavar or "").strip("[]")
            assert any(f"{shown} {verb} " in _help(name) for verb in ("is", "holds"))


@pytest.mark.parametrize("name", COMMANDS)
def test_exit_statuses_are_named(name: str) -> None:
    text = " ".join(_help(name).split()).partition("Exit status: ")[2].partition(" Options:")[0]
    statuses = "".join(part[0] for part in text.rstrip(".").split(", ") if part[0].isdigit())
    assert statuses == EXIT_STATUSES[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_lines_worth_of_example_stays_a_line(name: str) -> None:
    for line in _help(name).splitlines():
        assert "&& envoy" not in line or line.lstrip().startswith("fleetgate"), line


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_an_option_that_is_not_there_is_status_2(name: str) -> None:
    result = CliRunner().invoke(main, [*filter(None, [name]), "--no-such-option"])
    assert result.exit_code == 2
    assert "--no-such-option" in result.stderr


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("fleetgate, version ")


def test_a_command_is_imported_when_it_is_called() -> None:
    program = "import sys, fleetgate.cli; print(*(m for m in sys.modules if '.commands' in m))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.split() == []
