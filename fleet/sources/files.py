"""Lists the manifest files below a directory, reads them, and tells whether one has changed.

Files are replaced, renamed and removed while they are read, so nothing here relies on the order of
events or of a listing.
"""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest manifest file; an API server takes objects of 1.5 MiB."""

MAX_FOLDERS: Final = 50
"""The depth of folders within folders that are listed."""

SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})

SETTLED_AFTER: Final = 2_000_000_000
"""Nanoseconds after a write from which on the next write is sure to change the file's times.

Kernels round times to their clock tick (some ms), and some file systems to whole seconds.
"""


class UnreadableFileError(Exception):
    """A file exists and cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Properties of a file of which one changes with every write.

    Only a second write within the same clock tick may leave all of them equal.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """The stamp in the result of `stat`."""
        return cls(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


def read(path: Path) -> tuple[bytes, Stamp | None]:
    """A file's bytes, and its stamp, which is None if the last write was a moment ago.

    Raises UnreadableFileError.
    """
    now = time.time_ns()
    try:
        _require_regular(path.stat())  # checked first, since opening a device may have effects
        # Without O_NONBLOCK, opening a named pipe would block until a process writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            _require_regular(status)
            data = file.read(MAX_BYTES + 1) or b""  # some files of /proc give None
    except OSError as e:
        raise UnreadableFileError(reason_of(e)) from e
    if len(data) > MAX_BYTES:
        raise UnreadableFileError(f"it is larger than {MAX_BYTES // 1024 // 1024} MiB")
    is_settled = now - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_AFTER
    return data, Stamp.of(status) if is_settled else None


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableFileError("it is no regular file")


def stamp_of(path: Path) -> Stamp | None:
    """The present stamp of a file; None if its status cannot be read."""
    try:
        return Stamp.of(path.stat())
    except OSError:
        return None


def is_there(path: Path) -> bool:
    """Whether a file or link may exist: False only if it is certain that there is none."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


@dataclass(frozen=True, slots=True)
class Listing:
    """The manifest files below a directory, by printable names such as `hub/x.yaml`.

    `closed` are the folders that could not be listed, with the reason.
    """

    files: dict[str, Path] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)


def list_manifests(directory: Path, name: str) -> Listing:
    """List the manifest files in a directory and below; links are followed. O(files).

    Raises OSError if the directory itself cannot be read.
    """
    listing = Listing()
    with os.scandir(directory) as entries:
        first = list(entries)
    _look(first, name, listing, (_identity(directory),))
    return listing


def _look(
    entries: list[os.DirEntry[str]],
    name: str,
    listing: Listing,
    above: tuple[tuple[int, int], ...],
) -> None:
    for entry in sorted(entries, key=lambda entry: entry.name):
        if is_ignored(entry.name):
            continue
        path, shown = Path(entry.path), f"{name}/{show(entry.name)}"
        try:
            if entry.is_dir():
                identity = _identity(path)
                if len(above) > MAX_FOLDERS:
                    listing.closed[shown] = f"it is below {MAX_FOLDERS} other folders"
                elif identity not in above:  # a link to a folder above would never end
                    with os.scandir(path) as below:
                        inside = list(below)
                    _look(inside, shown, listing, (*above, identity))
            elif path.suffix in SUFFIXES:
                listing.files[shown] = path
        except FileNotFoundError:
            continue  # it was removed during the listing
        except OSError as e:
            listing.closed[shown] = reason_of(e)


def _identity(directory: Path) -> tuple[int, int]:
    status = directory.stat()
    return status.st_dev, status.st_ino


def subdirectories(directory: Path) -> Iterator[str]:
    """The names of a directory's folders, without hidden and unprintable ones. Raises OSError."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not is_ignored(entry.name) and show(entry.name) == entry.name and entry.is_dir():
                yield entry.name


def strays(directory: Path) -> list[str]:
    """The names of the manifest files directly in a directory that should only have folders."""
    try:
        with os.scandir(directory) as entries:
            names = [e.name for e in entries if Path(e.name).suffix in SUFFIXES and e.is_file()]
    except OSError:
        return []
    return sorted(show(name) for name in names if not is_ignored(name))


def is_ignored(name: str) -> bool:
    """Whether a name is hidden (drafts, ConfigMaps' `..data`, version control) or a backup's."""
    return name.startswith(".") or name.endswith("~")


def show(name: str) -> str:
    """A file's name as printable text: names are bytes that need not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def reason_of(error: OSError) -> str:
    """The reason of an error, without the path of the file."""
    return (error.strerror or str(error)).lower()
