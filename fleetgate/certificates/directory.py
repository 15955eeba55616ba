"""Files that are replaced together by one rename, as kubelet replaces files of a Secret.

tls.crt  ──▶ ..data/tls.crt
..data   ──▶ ..2f61c0d4     one rename of this link replaces all files

Another user may plant links in the directory. No other link is followed, to read, to write or to
delete. All calls go through the descriptor of the one open directory, and use plain names.
"""

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_DATA: Final = "..data"
_VERSION: Final = re.compile(r"\.\.[0-9a-f]{8}")


def read_files(directory: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of those files that exist, as links of `replace_files` or plain files.

    Raises OSError where one cannot be read.
    """
    if not directory.is_dir():
        return {}
    with _opened(directory) as place:
        contents = ((name, _read(place, name)) for name in names)
        return {name: content for name, content in contents if content is not None}


def replace_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """Replace these files together, and make them readable by their owner only. Raises OSError.

    No reader sees an old file beside a new one. Other files of the directory stay as they are.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _opened(directory) as place:
        version = f"..{secrets.token_hex(4)}"
        os.mkdir(version, 0o700, dir_fd=place)
        with _opened(version, place) as inside:
            for name, content in files.items():
                _write(inside, name, content)
        before = _version(place)
        _link(place, _DATA, version)
        for name in files:
            if _target(place, name) != f"{_DATA}/{name}":
                _link(place, name, f"{_DATA}/{name}")
        if before:
            shutil.rmtree(before, ignore_errors=True, dir_fd=place)


@contextmanager
def _opened(path: Path | str, below: int | None = None) -> Iterator[int]:
    """Open a directory while the block runs, and yield its descriptor.

    A directory `below` another one may not be a link.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | (0 if below is None else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, dir_fd=below)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(place: int, name: str) -> bytes | None:
    target = _target(place, name)
    if target is None:
        return _read_plain(place, name)
    version = _version(place)
    if version is None or target != f"{_DATA}/{name}":
        return None
    with _opened(version, place) as inside:
        return _read_plain(inside, name)


def _read_plain(place: int, name: str) -> bytes | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # else a planted pipe would block
    try:
        descriptor = os.open(name, flags, dir_fd=place)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123 (a Path opens no descriptor)
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _write(place: int, name: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(name, flags, 0o600, dir_fd=place), "wb") as file:  # noqa: PTH123 (as above)
        file.write(content)


def _link(place: int, name: str, target: str) -> None:
    """Make a link with one rename. It replaces a link or a file of this name."""
    draft = f"..draft-{secrets.token_hex(4)}"
    os.symlink(target, draft, dir_fd=place)
    try:
        os.rename(draft, name, src_dir_fd=place, dst_dir_fd=place)
    except OSError as e:
        os.unlink(draft, dir_fd=place)
        raise OSError(e.errno, e.strerror, name) from e


def _target(place: int, name: str) -> str | None:
    """Return the target of a link, None where there is no link of this name."""
    with suppress(OSError):
        return os.readlink(name, dir_fd=place)
    return None


def _version(place: int) -> str | None:
    """Return the name of the current version's directory, None where `replace_files` made none."""
    target = _target(place, _DATA)
    if target is None or not _VERSION.fullmatch(target):
        return None
    try:
        status = os.stat(target, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return target if stat.S_ISDIR(status.st_mode) else None
