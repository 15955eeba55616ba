"""The manifests of a directory fleet, read again and again; each scan says what differs.

    FLEET/hub/**.yaml              objects of the hub
    FLEET/clusters/ID/**.yaml      objects of member ID

What somebody is in the middle of writing loses nothing: a file that is empty or does not parse
keeps what it held, and so does a directory that vanishes. A file that vanishes takes its objects
with it. An object in two files: the first file by path counts.
"""

import os
from bisect import insort
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from fleet.documents import UnreadableText, objects_in, read_documents
from fleet.events import Deleted, Event, Listed, Refused, Unreachable, Upserted
from fleet.models import Ingress
from fleet.parse import Unused, parse
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.references import secrets_of

Signature: TypeAlias = tuple[int, int, int, int]

HUB_DIRECTORY: Final = "hub"
MEMBERS_DIRECTORY: Final = "clusters"
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


_UNKNOWN: Final[Signature] = (0, 0, 0, 0)


class NoFleetError(Exception):
    """The place is no directory fleet; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class _File:
    """What one file holds. A Secret that nobody references is None: its bytes are not kept."""

    signature: Signature
    origin: str
    objects: Mapping[Ref, Upserted | Refused | None] = field(default_factory=dict)
    twice: frozenset[Ref] = frozenset()
    unused: tuple[str, ...] = ()
    problem: Problem | None = None


class Tree:
    """A directory fleet as of the last scan."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, _File] = {}
        self._holders: dict[Ref, list[str]] = {}
        self._said: dict[Ref, Upserted | Refused] = {}
        self._origins: dict[str, Listed | Unreachable] = {}
        self._wanted: Counter[Ref] = Counter()

    @property
    def unused(self) -> Mapping[str, int]:
        """How many objects of kinds that are not needed were seen."""
        return Counter(kind for file in self._files.values() for kind in file.unused)

    def file_of(self, ref: Ref) -> str:
        """The file that an object is read from, "" where there is none."""
        if ref.kind == "File":
            return ref.name
        return next(iter(self._holders.get(ref, ())), "")

    def check(self) -> None:
        """Raise NoFleetError where the place is none."""
        if not self._root.is_dir():
            raise NoFleetError(f"{self._root} is not a directory")
        if not (self._root / HUB_DIRECTORY).is_dir():
            raise NoFleetError(
                f"{self._root} is no fleet: it has no directory {HUB_DIRECTORY}/ for the objects "
                f"of the hub (members are directories {MEMBERS_DIRECTORY}/ID/)"
            )

    def scan(self) -> list[Event]:
        """Read what has changed. O(files) to look, O(changed) to read."""
        places = dict(self._places())
        touched: set[Ref] = set()
        seen: set[str] = set()
        for origin, directory in places.items():
            for path in _manifests(directory):
                name = str(path.relative_to(self._root))
                seen.add(name)
                touched |= self._look(name, path, origin)
        for name in [n for n, f in self._files.items() if n not in seen and f.origin in places]:
            touched |= self._replace(name, None)
        events = self._settle(touched)
        return [*events, *self._origin_events(places)]

    def _places(self) -> Iterator[tuple[str, Path]]:
        """The origins that are there now."""
        if (self._root / HUB_DIRECTORY).is_dir():
            yield HUB, self._root / HUB_DIRECTORY
        members = self._root / MEMBERS_DIRECTORY
        for entry in sorted(members.iterdir()) if members.is_dir() else ():
            if entry.is_dir() and not _is_ignored(entry.name):
                yield entry.name, entry

    def _origin_events(self, places: Mapping[str, Path]) -> Iterator[Event]:
        for origin in [HUB, *sorted((self._origins.keys() | places.keys()) - {HUB})]:
            where = f"{MEMBERS_DIRECTORY}/{origin}" if origin else HUB_DIRECTORY
            event: Listed | Unreachable = Listed(origin)
            if origin not in places:
                event = Unreachable(origin, f"the directory {where} is gone; what it held stays")
            if self._origins.get(origin) != event:
                self._origins[origin] = event
                yield event

    # -- files -------------------------------------------------------------------------------------

    def _look(self, name: str, path: Path, origin: str) -> set[Ref]:
        """Read a file if it is not the one read before; the objects that may differ."""
        known = self._files.get(name)
        try:
            stat = path.stat()
            signature = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
            if known and known.signature == signature:
                return set()
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return self._replace(name, None)
        except (OSError, UnicodeDecodeError) as e:
            why = "it is not UTF-8" if isinstance(e, UnicodeDecodeError) else str(e.strerror)
            return self._keep(name, origin, _UNKNOWN, why)
        if not text.strip():
            # Somebody is writing it; one that never held anything is no mistake.
            held = bool(known and known.objects)
            return self._keep(name, origin, signature, "it is empty" if held else "")
        try:
            return self._replace(name, self._read(name, origin, signature, text))
        except UnreadableText as e:
            return self._keep(name, origin, signature, str(e))

    def _read(self, name: str, origin: str, signature: Signature, text: str) -> _File:
        objects: dict[Ref, Upserted | Refused | None] = {}
        twice: set[Ref] = set()
        unused: list[str] = []
        for number, document in enumerate(objects_in(read_documents(text))):
            found = parse(document, origin, f"{name}#{number + 1}")
            if isinstance(found, Unused):
                unused.append(found.kind)
            elif found.ref in objects:
                twice.add(found.ref)
            elif found.ref.kind == "Secret" and not self._wanted[found.ref]:
                objects[found.ref] = None
            else:
                objects[found.ref] = found
        return _File(signature, origin, objects, frozenset(twice), tuple(unused))

    def _keep(self, name: str, origin: str, signature: Signature, why: str) -> set[Ref]:
        """The file cannot be read: what it held stays, and the file itself has a problem."""
        known = self._files.get(name) or _File(signature, origin)
        at = Ref(origin, "File", "", name)
        effect = "what the file held before stays in force"
        problem = Problem(at, "UnreadableFile", "", why, "a file of YAML or JSON", effect)
        self._files[name] = replace(known, signature=signature, problem=problem if why else None)
        return {at}

    def _replace(self, name: str, file: _File | None) -> set[Ref]:
        """Note what a file holds now; the objects that may differ."""
        known = self._files.pop(name, None)
        before = known.objects.keys() if known else set()
        now = file.objects.keys() if file else set()
        for ref in before - now:
            holders = self._holders[ref]
            holders.remove(name)
            if not holders:
                del self._holders[ref]
        for ref in now - before:
            insort(self._holders.setdefault(ref, []), name)
        if file:
            self._files[name] = file
        origin = (file or known or _File(_UNKNOWN, HUB)).origin
        return {*before, *now, Ref(origin, "File", "", name)}

    # -- objects -----------------------------------------------------------------------------------

    def _settle(self, touched: set[Ref]) -> list[Event]:
        """Say what differs. Ingresses come first: they decide which Secrets are read at all."""
        ingresses = {ref for ref in touched if ref.kind == "Ingress"}
        wanted = set(+self._wanted)
        events = [event for ref in sorted(ingresses) for event in self._differ(ref)]
        secrets = wanted ^ set(+self._wanted)
        for name in {name for ref in secrets for name in self._holders.get(ref, ())}:
            touched |= self._reread(name)
        others = sorted((touched | secrets) - ingresses)
        return [*events, *(event for ref in others for event in self._differ(ref))]

    def _reread(self, name: str) -> set[Ref]:
        """Take up, or forget, the bytes of Secrets in a file that has not changed."""
        file = self._files[name]
        self._files[name] = replace(file, signature=_UNKNOWN)
        return self._look(name, self._root / name, file.origin)

    def _differ(self, ref: Ref) -> Iterator[Event]:
        now = self._winner(ref)
        before = self._said.get(ref)
        if now == before:
            return
        if now is None:
            del self._said[ref]
            yield Deleted(ref)
        else:
            self._said[ref] = now
            yield now
        if ref.kind == "Ingress":
            self._wanted.subtract(_secrets(before))
            self._wanted.update(_secrets(now))

    def _winner(self, ref: Ref) -> Upserted | Refused | None:
        """What is declared under a name: the first file by path counts."""
        if ref.kind == "File" and ref not in self._holders:
            file = self._files.get(ref.name)
            return Refused(ref, (file.problem,)) if file and file.problem else None
        holders = self._holders.get(ref, [])
        if not holders:
            return None
        first = self._files[holders[0]]
        found = first.objects[ref]
        if found is None:
            return None
        copies = [*([holders[0]] if ref in first.twice else []), *holders[1:]]
        if not copies:
            return found
        problem = Problem(
            ref,
            "DeclaredTwice",
            "",
            ", ".join(copies),
            "one file for each object",
            f"{holders[0]} counts, the first by path",
        )
        return replace(found, problems=(*found.problems, problem))


def _secrets(said: Upserted | Refused | None) -> frozenset[Ref]:
    if isinstance(said, Upserted) and isinstance(said.value, Ingress):
        return secrets_of(said.value)
    return frozenset()


def _manifests(directory: Path) -> Iterator[Path]:
    """Manifest files below a directory; links are followed, hidden and backup files left out."""
    for place, directories, files in os.walk(directory, followlinks=True):
        directories[:] = sorted(name for name in directories if not _is_ignored(name))
        for name in sorted(files):
            if Path(name).suffix in SUFFIXES and not _is_ignored(name):
                yield Path(place, name)


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.endswith("~")
