"""docs/security.md names tests, options, annotations, files, pages and ports that exist."""

import re
from functools import cache
from importlib import import_module
from itertools import groupby

import click
import pytest

from fleet.kubernetes.members import READ
from fleetgate.certificates.secret import NAME as AUTHORITY
from fleetgate.cli import COMMANDS
from fleetgate.hub.managed.bootstrap import READY, STATISTICS
from fleetgate.hub.managed.settings import READY_PORT
from fleetgate.serving import ServeSettings
from tests.docs.generated import ROOT, render

DOCS = ROOT / "docs"
PAGE = (DOCS / "security.md").read_text(encoding="utf-8")
SHOWS = re.compile(r"`([a-z_0-9/]+\.py)::(test_\w+)`")


def _all(pattern: str) -> list[str]:
    return sorted(set(re.findall(pattern, PAGE)))


@cache
def _tests(file: str) -> frozenset[str]:
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))


@pytest.mark.parametrize("file", sorted({file for file, _ in SHOWS.findall(PAGE)}))
def test_tests_that_it_names_exist(file: str) -> None:
    named = {name for other, name in SHOWS.findall(PAGE) if other == file}
    assert named - _tests(file) == set()


def test_each_thing_that_somebody_could_do_has_a_test() -> None:
    tables = [
        list(lines)
        for is_row, lines in groupby(PAGE.splitlines(), key=lambda line: line.startswith("|"))
        if is_row
    ]
    shown = [rows for rows in tables if rows[0].endswith("| test |")]
    assert len(shown) == 5
    assert [row for rows in shown for row in rows[2:] if not SHOWS.search(row)] == []


def test_options_that_it_names_exist() -> None:
    known = set(re.findall(r"--[a-z-]+", (ROOT / "deploy/member/attach.sh").read_text()))
    for name in COMMANDS:
        command: click.Command = getattr(import_module(f"fleetgate.commands.{name}"), name)
        known |= {each for option in command.params for each in option.opts}
    assert set(_all(r"--[a-z][a-z-]+")) - known == set()


def test_annotations_that_it_names_exist() -> None:
    page = (DOCS / "annotations.md").read_text(encoding="utf-8")
    assert render(page) == page
    gateways = re.findall(r"`([a-z.]+/[a-z-]+)`", page.partition("\n## Gateway\n")[2])
    named = set(_all(r"`([a-z]+(?:\.[a-z]+)+/[a-z-]+)(?:: [^`]+)?`"))
    assert len(named) > 5
    assert named - {*gateways, *READ} == set()


@pytest.mark.parametrize("path", _all(r"\bdeploy/[\w./-]*[\w/]"))
def test_files_that_it_names_exist(path: str) -> None:
    assert (ROOT / path).exists() or (ROOT / "tests" / path).exists()


@pytest.mark.parametrize("link", _all(r"\]\(([^)]+)\)"))
def test_places_that_it_links_exist(link: str) -> None:
    page, _, anchor = link.partition("#")
    titles = re.findall(r"^#+ (.*)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert not anchor or anchor in anchors


def test_ports_and_secrets_are_as_it_says() -> None:
    usual = ServeSettings()
    for port, option in ((usual.xds.port, "--xds-port"), (usual.admin_port, "--admin-port")):
        assert f"| {port}, `{option}` |" in PAGE
    assert re.search(rf"^\| {READY_PORT} .*`GET {READY}`, `GET {STATISTICS}` \|$", PAGE, re.M)
    assert f"Secret `{AUTHORITY}`" in PAGE


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_it_is_linked(page: str) -> None:
    assert "security.md)" in (ROOT / page).read_text(encoding="utf-8").replace("xds-security", "")
