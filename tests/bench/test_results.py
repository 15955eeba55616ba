"""A file of results contains everything that a later run is compared with."""

import json
from pathlib import Path

import pytest

from benchmarks.figures import Figure
from benchmarks.results import Results, Unreadable, load

RESULTS = Results(
    "2026-01-01 10:00 UTC",
    {"cores": "2"},
    {"commit": "abc1234"},
    [Figure("cold", "5000 hosts", "median of 3", "s", (3.0, 2.0, 2.5))],
    ["envoy: no root"],
    ["churn: it ended"],
)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(RESULTS.dump())

    assert load(file) == RESULTS


def test_a_figure_carries_its_goal_for_other_readers() -> None:
    (figure,) = json.loads(RESULTS.dump())["figures"]

    assert (figure["value"], figure["goal"], figure["met"]) == (2.5, 2.5, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "cannot be read: No such file or directory.", id="no-file"),
        pytest.param("hosts: 5", "holds no results of these benchmarks", id="no-json"),
        pytest.param("{}", "holds no results of these benchmarks", id="another-json"),
        pytest.param(
            RESULTS.dump().replace("3.0,", "[],"),
            "holds no results of these benchmarks",
            id="no-number",
        ),
    ],
)
def test_another_file_is_refused_in_a_sentence(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "results.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(Unreadable, match=said):
        load(file)
