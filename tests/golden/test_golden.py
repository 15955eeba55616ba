"""Translation of each golden case gives the expected files. `make golden` writes these anew."""

from pathlib import Path

import pytest
import yaml

from tests.golden.case import CASES, COMMON, Case, common_now, dump


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--golden-update"))


def test_what_all_cases_have_in_common(tmp_path: Path, update: bool) -> None:
    text = dump(common_now(tmp_path))
    if update:
        COMMON.write_text(text)
    assert text == COMMON.read_text()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, tmp_path: Path, update: bool) -> None:
    case = Case(name)
    output = case.translate(tmp_path, yaml.safe_load(COMMON.read_text()))
    if update:
        case.expect(output)
    assert output == case.expected


def test_some_cases_are_about_endpoints() -> None:
    """These cases cover slices, members, subsets, IP families and canaries by priority."""
    about_endpoints = {name for name in CASES if Case(name).is_about("endpoints")}
    assert about_endpoints >= {
        "balanced",
        "canary-weight",
        "dual-stack",
        "named-ports",
        "pinned-by-labels",
        "pinned-member",
        "terminating-endpoints",
        "unready-endpoints",
    }
