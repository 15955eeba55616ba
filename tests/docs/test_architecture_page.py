"""docs/architecture.md names files that exist."""

import re

from tests.docs.generated import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(
    set(re.findall(r"`((?:fleet|fleetgate|translators|xds|tests|deploy)/[^`\s]*)`", PAGE))
)


def test_files_and_directories_that_it_names_exist() -> None:
    named = [path for path in PATHS if not re.search(r"[A-Z]{2}", path)]  # NAME stands for any
    assert len(named) > 60
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_placeholders_stand_in_directories_that_exist() -> None:
    for path in (path for path in PATHS if re.search(r"[A-Z]{2}", path)):
        directory = re.split(r"[A-Z]{2}", path)[0].rpartition("/")[0]
        assert (ROOT / directory).is_dir(), path
