"""Files that are replaced all at once, in the way of Kubernetes' mounts.

tls.crt  ──▶ ..data/tls.crt
..data   ──▶ ..2f61c0d4     one rename brings all files of a new version
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_DATA: Final = "..data"


def read_files(directory: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The contents of those files that are there. Raises OSError where one cannot be read."""
    paths = [directory / name for name in names]
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def replace_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """Have these files there, readable by their owner only. Raises OSError.

    Nobody sees some of the old with some of the new; other files of the directory are left alone.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    version = directory / f"..{secrets.token_hex(4)}"
    version.mkdir(mode=0o700)
    for name, content in files.items():
        descriptor = os.open(version / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a Path opens no descriptor)
            file.write(content)
    before = _target(directory)
    _link(directory, _DATA, version.name)
    for name in files:
        if not (directory / name).is_symlink():
            _link(directory, name, f"{_DATA}/{name}")
    if before:
        shutil.rmtree(before, ignore_errors=True)


def _link(directory: Path, name: str, target: str) -> None:
    """Make a link, or turn it in one step; a file of this name gives way."""
    draft = directory / f"..draft-{secrets.token_hex(4)}"
    draft.symlink_to(target)
    draft.replace(directory / name)


def _target(directory: Path) -> Path | None:
    data = directory / _DATA
    return directory / data.readlink() if data.is_symlink() else None
