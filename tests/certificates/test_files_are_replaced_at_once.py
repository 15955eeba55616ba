"""Files of one version come together, and only their owner reads them."""

import os
import stat
from pathlib import Path

import pytest

from fleetgate.certificates.directory import read_files, replace_files

OLD = {"tls.crt": b"old certificate", "tls.key": b"old key"}
NEW = {"tls.crt": b"new certificate", "tls.key": b"new key"}


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    replace_files(tmp_path / "a" / "b", OLD)
    assert read_files(tmp_path / "a" / "b", [*OLD, "other"]) == OLD


def test_old_versions_leave_nothing_behind(tmp_path: Path) -> None:
    for files in (OLD, NEW, OLD, NEW):
        replace_files(tmp_path, files)
    assert read_files(tmp_path, NEW) == NEW
    assert len(list(tmp_path.iterdir())) == len(NEW) + 2  # ..data, and what it leads to


def test_one_rename_brings_all_files(tmp_path: Path) -> None:
    replace_files(tmp_path, OLD)
    links = {name: (tmp_path / name).readlink() for name in OLD}
    replace_files(tmp_path, NEW)
    assert {name: (tmp_path / name).readlink() for name in NEW} == links
    assert {link.parent for link in links.values()} == {Path("..data")}


def test_plain_files_give_way_and_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").write_bytes(b"from somewhere")
    (tmp_path / "envoy.yaml").write_bytes(b"mine")
    replace_files(tmp_path, NEW)
    assert read_files(tmp_path, [*NEW, "envoy.yaml"]) == {**NEW, "envoy.yaml": b"mine"}


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        replace_files(tmp_path / "tls", NEW)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) for name in NEW}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        replace_files(tmp_path / "file", NEW)


def elsewhere(place: Path) -> Path:
    """Somebody else's directory, with files of our names."""
    found = place / "elsewhere"
    found.mkdir()
    for name in OLD:
        (found / name).write_bytes(b"not ours")
    return found


@pytest.mark.parametrize("way", ["absolute", "relative", "by-another-link", "by-a-link-like-ours"])
def test_a_planted_data_link_is_not_followed(way: str, tmp_path: Path) -> None:
    theirs = elsewhere(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    planted = {
        "absolute": theirs,
        "relative": Path("../elsewhere"),
        "by-another-link": Path("other"),
        "by-a-link-like-ours": Path("..00000000"),
    }[way]
    for link in ("other", "..00000000"):
        (out / link).symlink_to(theirs)
    (out / "..data").symlink_to(planted)
    for name in OLD:
        (out / name).symlink_to(f"..data/{name}")

    assert read_files(out, OLD) == {}
    replace_files(out, NEW)

    assert read_files(out, NEW) == NEW
    assert {path.name: path.read_bytes() for path in theirs.iterdir()} == dict.fromkeys(
        OLD, b"not ours"
    )


def test_planted_links_of_files_are_neither_read_nor_written_through(tmp_path: Path) -> None:
    theirs = elsewhere(tmp_path)
    out = tmp_path / "out"
    replace_files(out, OLD)
    for name in OLD:
        (out / name).unlink()
        (out / name).symlink_to(theirs / name)

    assert read_files(out, OLD) == {}
    replace_files(out, NEW)

    assert {name: (out / name).read_bytes() for name in NEW} == NEW
    assert (theirs / "tls.key").read_bytes() == b"not ours"


def test_a_planted_pipe_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tls.key")
    assert read_files(tmp_path, OLD) == {}
    replace_files(tmp_path, NEW)
    assert read_files(tmp_path, NEW) == NEW


def test_a_directory_in_the_place_of_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "tls.key").mkdir()
    with pytest.raises(OSError, match=r"directory: 'tls\.key'"):
        replace_files(tmp_path, NEW)
