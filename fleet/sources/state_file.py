"""Reads and writes the file that stores the objects of one origin.

The first line describes the file. Each further line is an object: its kind, a blank, and its JSON.

    {"format":"fleetgate remembered objects","version":1,"origin":"c1","objects":2}
    Service {"metadata":{"name":"shop","namespace":"default"},"spec":{"ports":[{"port":80}]}}
    EndpointSlice {"metadata":...

The first line of a member's file also says which addresses its endpoints may have, if they are
restricted: a restart must not lift the restriction.

A file is replaced as a whole, so it is never half written. Its time of modification is when its
content was last known to be current. No file has Secrets. Links and files of other users are not
read.
"""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr, ValidationError

from fleet.kinds import Kinds
from fleet.member_settings import MemberSettings
from fleet.models import FleetObject
from fleet.ref import HUB, Ref

VERSION: Final = 1
"""Increase it when the same text gets another meaning: files of other versions are not read."""

NEVER_KEPT: Final = frozenset({"Secret"})
"""Kinds that are never written to a file."""

_SUFFIX: Final = ".fleet"
_DRAFT: Final = ".draft-"


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["fleetgate remembered objects"] = "fleetgate remembered objects"
    version: Literal[1]
    origin: StrictStr
    objects: StrictInt
    settings: MemberSettings | None = None


class UnusableFileError(Exception):
    """A file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class StoredOrigin:
    """The content of a file: an origin's objects and their lines.

    `since` is when the content was last known to be current.
    """

    origin: str
    objects: dict[Ref, FleetObject]
    lines: dict[Ref, bytes]
    since: datetime
    settings: MemberSettings = field(default_factory=MemberSettings)


def is_kept(ref: Ref, kinds: Kinds) -> bool:
    """Whether an object may be written to a file."""
    return ref.kind in kinds and ref.kind not in NEVER_KEPT


def line_of(value: FleetObject) -> bytes:
    """An object as a line of a file. Costs about 5 µs."""
    text = value.model_dump_json(by_alias=True, exclude_defaults=True)
    return f"{type(value).__name__} {text}\n".encode()


def path_of(directory: Path, origin: str) -> Path:
    """The path of an origin's file. The ID of a member may have any characters and any length."""
    if origin == HUB:
        return directory / f"hub{_SUFFIX}"
    name = quote(origin, safe="")
    if len(name) > 200:
        name = sha256(origin.encode()).hexdigest()
    return directory / f"member-{name}{_SUFFIX}"


def files_in(directory: Path) -> list[Path]:
    """The files of all origins."""
    return sorted(directory.glob(f"*{_SUFFIX}"))


def read(path: Path, owner: int, kinds: Kinds) -> StoredOrigin:
    """Read a file that belongs to `owner`. Raises UnusableFileError and OSError.

    A file of another user is refused: its author would decide what is served. Costs about 30 µs
    per object.
    """
    with os.fdopen(_open(path), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnusableFileError("it is no regular file")
        if status.st_uid != owner:
            raise UnusableFileError("it belongs to another user")
        since = datetime.fromtimestamp(status.st_mtime, UTC)
        head, *lines = file.read().splitlines(keepends=True) or [b""]
    try:
        header = _Head.model_validate_json(head)
        values = [_object(header.origin, line, kinds) for line in lines]
    except ValidationError as e:
        raise UnusableFileError(f"it is not of this format and version {VERSION}") from e
    objects = {_ref(header.origin, value): value for value in values}
    if len(objects) != header.objects:
        raise UnusableFileError(f"it has {len(objects)} of its {header.objects} objects")
    if path_of(path.parent, header.origin).name != path.name:
        raise UnusableFileError(f"it is the file of {header.origin or 'the hub'!r}")
    lines_of = dict(zip(objects, lines, strict=True))
    return StoredOrigin(
        header.origin, objects, lines_of, since, header.settings or MemberSettings()
    )


def _open(path: Path) -> int:
    # Without O_NONBLOCK, opening a named pipe would block.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise UnusableFileError("it is a link") from e
        raise


def _object(origin: str, line: bytes, kinds: Kinds) -> FleetObject:
    name, _, text = line.partition(b" ")
    kind = kinds.get(name.decode(errors="replace"))
    if kind is None or kind.name in NEVER_KEPT or kind.on_hub != (origin == HUB):
        raise UnusableFileError("it has an object of a kind that is not kept there")
    return kind.model.model_validate_json(text)


def _ref(origin: str, value: FleetObject) -> Ref:
    return Ref(origin, type(value).__name__, value.metadata.namespace, value.metadata.name)


def try_out(directory: Path) -> int:
    """Make the directory if it is missing, and try to make a file in it. Raises OSError.

    Gives the user ID that owns files made there: on some file systems it is not that of this
    process. Drafts that a killed process has left behind are removed.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in directory.glob(f"{_DRAFT}*"):
        path.unlink(missing_ok=True)
    with _draft(directory) as (descriptor, _), os.fdopen(descriptor) as file:
        return os.fstat(file.fileno()).st_uid


def write(directory: Path, origin: str, lines: Collection[bytes], settings: MemberSettings) -> None:
    """Replace the file of an origin as a whole; it is on the disk when this returns.

    Raises OSError.
    """
    head = _Head(version=VERSION, origin=origin, objects=len(lines))
    if settings != MemberSettings():
        head.settings = settings
    with _draft(directory) as (descriptor, draft):
        with os.fdopen(descriptor, "wb") as file:
            file.write(head.model_dump_json(exclude_none=True).encode() + b"\n")
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path_of(directory, origin))
    _sync(directory)


def touch(directory: Path, origin: str) -> bool:
    """Mark the file of an origin as current; False if there is none. Raises OSError."""
    try:
        os.utime(path_of(directory, origin), follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def remove(directory: Path, origin: str) -> None:
    """Remove the file of an origin, if there is one. Raises OSError."""
    path_of(directory, origin).unlink(missing_ok=True)


@contextlib.contextmanager
def _draft(directory: Path) -> Iterator[tuple[int, Path]]:
    """A new file in the directory that is removed at the end, unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=_DRAFT, dir=directory)
    try:
        yield descriptor, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Write the directory's entries to the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
