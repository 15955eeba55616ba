"""What this repository installs is fixed by version and hash, and agrees with pyproject.toml."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lock.renew import LOCKS, PLACE, ROOT, changes, versions

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
BUILD = [*PROJECT["dependency-groups"]["build"], *PROJECT["build-system"]["requires"]]


def locked(name: str) -> dict[str, str]:
    found = versions((PLACE / name).read_text(encoding="utf-8"))
    return {canonicalize_name(package): version for package, version in found.items()}


def required(texts: Iterable[str]) -> list[Requirement]:
    return [found for text in texts if (found := Requirement(text)).name != "fleetgate"]


@pytest.mark.parametrize(
    ("lock", "texts"),
    [
        pytest.param("image.txt", DECLARED, id="image"),
        pytest.param("dev.txt", [*DECLARED, *EXTRAS["envoy"], *EXTRAS["dev"]], id="dev"),
        pytest.param("build.txt", BUILD, id="build"),
    ],
)
def test_a_lock_has_all_that_pyproject_asks_for(lock: str, texts: list[str]) -> None:
    found = locked(lock)
    wrong = [
        str(each)
        for each in required(texts)
        if not each.specifier.contains(found.get(canonicalize_name(each.name), ""))
    ]
    assert not wrong, f"deploy/lock/{lock} does not have {wrong}: `make lock`"


@pytest.mark.parametrize("lock", [lock.name for lock in LOCKS])
def test_every_entry_of_a_lock_has_hashes(lock: str) -> None:
    text = (PLACE / lock).read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", ["build.txt", "image.txt"])
def test_the_locks_agree(lock: str) -> None:
    everything = locked("dev.txt")
    for package, version in locked(lock).items():
        assert everything.get(package, version) == version


@pytest.mark.parametrize("file", ["Makefile", "deploy/Dockerfile"])
def test_nothing_is_installed_that_is_not_locked(file: str) -> None:
    installs = [
        line
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if re.search(r"(\bpip|\$\(PIP\)) (install|wheel)\b", line) and "newest" not in line
    ]
    assert installs
    for line in installs:
        # Without dependencies, and built by what is installed: nothing is fetched.
        ours = {"--no-deps", "--no-build-isolation"} <= set(line.split())
        assert "--require-hashes" in line or ours, line


def test_the_chore_says_what_changed() -> None:
    before = versions("a==1 \\\n    --hash=sha256:0\nb==1 ; x\nc==1\n")
    after = versions("a==1 \\\n    --hash=sha256:0\nb==2 ; x\nd==1\n")
    assert list(changes(before, after)) == ["b 1 -> 2", "c 1 is gone", "d 1 is new"]


def test_no_lock_names_an_index() -> None:
    for lock in Path(PLACE).glob("*.txt"):
        assert "://" not in lock.read_text(encoding="utf-8")
