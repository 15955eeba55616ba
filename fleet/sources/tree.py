"""Scans a directory fleet; each scan gives events for what differs from the last one.

    FLEET/hub/**.yaml              objects of the hub
    FLEET/clusters/ID/**.yaml      objects of member ID
    FLEET/members/ID.yaml          settings of member ID

A file that a user is in the middle of writing loses no objects: a file that cannot be read keeps
the objects that it held, and so does the directory of an origin that is gone. The objects of a
removed file are deleted. Of an object in several files, the first file by path counts.
"""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from fleet.admission import default_class, with_class
from fleet.events import Configured, Event, Listed, Refused, Unreachable, Upserted
from fleet.kinds import Kinds
from fleet.member_settings import MemberSettings
from fleet.models import Ingress, IngressClass
from fleet.parse import FILE
from fleet.problem import Problem
from fleet.ref import HUB, Ref
from fleet.references import SecretUse
from fleet.sources import files
from fleet.sources.emitted import Emitted, Outcome
from fleet.sources.manifest import ENDPOINTS, ManifestFile, digest_of, duplicate
from fleet.sources.settings_files import SETTINGS_DIRECTORY, SettingsFiles

HUB_DIRECTORY: Final = "hub"
MEMBERS_DIRECTORY: Final = "clusters"


class NoFleetError(Exception):
    """A path is no directory fleet; the message says what is missing."""


class Tree:
    """A directory fleet as of the last scan. Only one scan may run at a time."""

    def __init__(self, root: Path, kinds: Kinds) -> None:
        self._root = root
        self._kinds = kinds
        self._files: dict[str, ManifestFile] = {}
        self._paths: dict[str, Path] = {}
        self._holders: dict[Ref, list[str]] = {}
        self._complaints: dict[str, dict[Ref, Problem]] = {}
        self._states: dict[str, Listed | Unreachable] = {}
        self._touched: set[Ref] = set()
        self._emitted = Emitted()
        self._secrets = SecretUse()
        self._unused: Counter[str] = Counter()
        self._unlisted = ""
        """Why the members could not be listed by the last scan, "" if they could."""
        self._default_class = ""
        self._settings_files = SettingsFiles(root / SETTINGS_DIRECTORY, root / HUB_DIRECTORY)
        self._settings: dict[str, MemberSettings] = {}
        self._unsettled: frozenset[Ref] = frozenset()
        """The files of settings that have problems."""

    @property
    def unused(self) -> Mapping[str, int]:
        """How many objects the manifests have of each kind that is not read."""
        return +self._unused.copy()

    @property
    def endpoints(self) -> frozenset[Ref]:
        """The objects of the kind Endpoints, which are not read."""
        return frozenset(ref for file in self._files.values() for ref in file.endpoints)

    def file_of(self, ref: Ref) -> str:
        """The file that an object is read from, relative to the fleet; "" if there is none."""
        if ref.kind == FILE:
            return ref.name
        if ref.kind == ENDPOINTS:
            return next((name for name, f in self._files.items() if ref in f.endpoints), "")
        return next(iter(self._holders.get(ref, ())), "")

    def check(self) -> None:
        """Raise NoFleetError if the path is no directory fleet."""
        if not self._root.is_dir():
            raise NoFleetError(f"{self._root} is not a directory")
        if not (self._root / HUB_DIRECTORY).is_dir():
            raise NoFleetError(
                f"{self._root} is no fleet: it has no directory {HUB_DIRECTORY}/ for the hub's "
                f"objects (members are directories {MEMBERS_DIRECTORY}/ID/)"
            )

    def scan(self) -> list[Event]:
        """Read the files that have changed. Costs O(files) to list, O(changed) to read; it blocks.

        The hub's events come last, so that the members of a gateway are known before the gateway.
        """
        origins = self._origins()
        settings = list(self._scan_settings(frozenset(origins) - {HUB}))
        hub, *members = [list(self._scan_origin(origin)) for origin in origins]
        return [event for events in (settings, *members, hub) for event in events]

    # -- origins -----------------------------------------------------------------------------------

    def _origins(self) -> list[str]:
        """The hub, then all members that have a directory or had one. A fleet may have none."""
        there: set[str] = set()
        self._unlisted = ""
        try:
            there.update(files.subdirectories(self._root / MEMBERS_DIRECTORY))
        except FileNotFoundError:
            pass
        except OSError as e:
            self._unlisted = f"it cannot be read ({files.reason_of(e)})"
        return [HUB, *sorted((self._states.keys() | there) - {HUB})]

    def _scan_settings(self, members: frozenset[str]) -> Iterator[Event]:
        """Read the settings of members, and give events for what is wrong with their files."""
        self._settings_files.scan(members)
        if self._unlisted:
            return  # then it is not known which members there are
        found = self._settings_files.problems
        for ref in sorted(self._unsettled | found.keys()):
            problems = found.get(ref)
            event = self._emitted.update(ref, Refused(ref, problems) if problems else None)
            if event is not None:
                yield event
        self._unsettled = frozenset(found)

    def _scan_origin(self, origin: str) -> Iterator[Event]:
        if origin:
            settings = self._settings_files.of(origin)
            if settings is None:
                message = f"its settings in {SETTINGS_DIRECTORY}/ cannot be used"
                yield from self._mark(origin, Unreachable(origin, message))
                return
            if self._settings.get(origin) != settings:
                self._settings[origin] = settings
                yield Configured(origin, settings)
        yield from self._scan_objects(origin)

    def _scan_objects(self, origin: str) -> Iterator[Event]:
        name = f"{MEMBERS_DIRECTORY}/{origin}" if origin else HUB_DIRECTORY
        state: Listed | Unreachable = Listed(origin)
        try:
            listing = files.list_manifests(self._root / name, name)
            gone = self._gone(origin, listing)
            self._complain(origin, listing)
            for file, path in listing.files.items():
                self._look(Ref(origin, FILE, "", file), path)
            if gone:
                # The directory may be in the middle of being removed, its files first. This raises
                # if it is gone by now, and then no file is forgotten.
                files.list_manifests(self._root / name, name)
            for file in gone:
                self._forget(file)
        except OSError as e:
            is_gone = isinstance(e, FileNotFoundError)
            why = "is gone" if is_gone else f"cannot be read ({files.reason_of(e)})"
            message = f"the directory {name} {why}; what it held stays in force"
            state = Unreachable(origin, message)
        yield from self._settle()
        yield from self._mark(origin, state)

    def _mark(self, origin: str, state: Listed | Unreachable) -> Iterator[Event]:
        if self._states.get(origin) != state:
            self._states[origin] = state
            yield state

    # -- files -------------------------------------------------------------------------------------

    def _gone(self, origin: str, listing: files.Listing) -> list[str]:
        """The files that were removed. Files in folders that cannot be listed are not among them.

        A listing may miss a file that is being replaced; such a file is added to it here.
        """
        closed = tuple(f"{folder}/" for folder in listing.closed)
        absent = [
            name
            for name, file in self._files.items()
            if file.ref.origin == origin
            and name not in listing.files
            and not name.startswith(closed)
        ]
        there = {name: self._paths[name] for name in absent if files.is_there(self._paths[name])}
        listing.files.update(there)
        return [name for name in absent if name not in there]

    def _look(self, ref: Ref, path: Path) -> None:
        """Read a file if it may have changed."""
        self._paths[ref.name] = path
        known = self._files.get(ref.name)
        if known is None or known.stamp is None or known.stamp != files.stamp_of(path):
            self._load(known or ManifestFile(ref), is_forced=False)

    def _load(self, known: ManifestFile, *, is_forced: bool) -> None:
        """Read a file, and parse it if its content has changed or if `is_forced`."""
        try:
            data, stamp = files.read(self._paths[known.ref.name])
        except files.UnreadableFileError as e:
            if not files.is_there(self._paths[known.ref.name]):
                return  # it was removed during the scan, and the next scan finds that
            self._hold(known.unreadable("UnreadableFile", str(e), "a file that can be read"))
            return
        if known.digest == digest_of(data) and not is_forced:
            self._files[known.ref.name] = replace(known, stamp=stamp)
        else:
            self._hold(known.read(data, stamp, self._kinds))

    def _hold(self, file: ManifestFile) -> None:
        """Note the objects that a file declares."""
        name = file.ref.name
        known = self._files.get(name) or ManifestFile(file.ref)
        self._files[name] = file
        before, now = known.declared.keys(), file.declared.keys()
        for ref in before - now:
            self._holders[ref].remove(name)
            if not self._holders[ref]:
                del self._holders[ref]
        for ref in now - before:
            insort(self._holders.setdefault(ref, []), name)
        self._touched |= {file.ref, *before, *now}
        self._unused.subtract(known.unused)
        self._unused.update(file.unused)

    def _forget(self, name: str) -> None:
        self._hold(ManifestFile(self._files[name].ref))
        del self._files[name], self._paths[name]

    def _complain(self, origin: str, listing: files.Listing) -> None:
        """Note problems of folders that cannot be listed, and of manifests outside of folders."""
        before = self._complaints.get(origin, {})
        now: dict[Ref, Problem] = {}
        for name, why in listing.closed.items():
            at = Ref(origin, FILE, "", name)
            is_kept = any(file.startswith(f"{name}/") for file in self._files)
            effect = "what it held before stays in force" if is_kept else ""
            now[at] = Problem(at, "UnreadableFile", "", why, "a folder that can be read", effect)
        if origin == HUB and self._unlisted:
            at = Ref(origin, FILE, "", MEMBERS_DIRECTORY)
            effect = "members that are not known yet are not read"
            expected = "a folder of members that can be read"
            now[at] = Problem(at, "UnreadableFile", "", self._unlisted, expected, effect)
        for name in files.strays(self._root / MEMBERS_DIRECTORY) if origin == HUB else ():
            at = Ref(origin, FILE, "", f"{MEMBERS_DIRECTORY}/{name}")
            expected = f"manifests in {MEMBERS_DIRECTORY}/MEMBER/"
            now[at] = Problem(at, "MisplacedFile", "", at.name, expected, "it is not read")
        self._complaints[origin] = now
        self._touched |= before.keys() | now.keys()

    # -- objects -----------------------------------------------------------------------------------

    def _settle(self) -> Iterator[Event]:
        """Give events for all touched objects. Secrets come last: Ingresses decide which to keep.

        A Secret that came into use and whose bytes were not kept is read again from its file.
        """
        secrets: set[Ref] = set()
        reloaded: set[str] = set()
        if any(ref.kind == IngressClass.__name__ for ref in self._touched):
            self._choose_default_class()
        while self._touched:
            touched, self._touched = self._touched, set()
            secrets |= {ref for ref in touched if ref.kind == "Secret"}
            for ref in sorted(touched - secrets):
                if event := self._emitted.update(ref, self._outcome(ref)):
                    secrets |= self._secrets.note(event)
                    yield event
            for name in {self._holders[ref][0] for ref in secrets if self._is_missed(ref)}:
                if name not in reloaded:
                    reloaded.add(name)
                    self._load(self._files[name], is_forced=True)
        self._withhold(secrets)
        for ref in sorted(secrets):
            if event := self._emitted.update(ref, self._outcome(ref)):
                yield event

    def _choose_default_class(self) -> None:
        """Find the default class; if it is another one, touch all Ingresses. O(objects).

        A default class whose present version is refused stays the default.
        """
        kind = IngressClass.__name__
        declared = {ref: self._declared(ref) for ref in self._holders if ref.kind == kind}
        if isinstance(declared.get(Ref(HUB, kind, "", self._default_class)), Refused):
            return
        values = [outcome.value for outcome in declared.values() if isinstance(outcome, Upserted)]
        name = default_class(value for value in values if isinstance(value, IngressClass))
        if name != self._default_class:
            self._default_class = name
            self._touched |= {ref for ref in self._holders if ref.kind == Ingress.__name__}

    def _is_missed(self, secret: Ref) -> bool:
        """Whether a Secret is in use and its bytes were not kept."""
        is_needed = secret in self._secrets and secret in self._holders
        return is_needed and self._declared(secret) is None

    def _withhold(self, secrets: set[Ref]) -> None:
        """Forget the bytes of those Secrets that no Ingress references."""
        by_file: dict[str, set[Ref]] = defaultdict(set)
        for ref in secrets:
            if ref not in self._secrets:
                for name in self._holders.get(ref, ()):
                    by_file[name].add(ref)
        for name, refs in by_file.items():
            self._files[name] = self._files[name].without_bytes_of(refs)

    def _declared(self, ref: Ref) -> Outcome:
        """The declaration of an object in the first file that has it."""
        return self._files[self._holders[ref][0]].declared[ref]

    def _outcome(self, ref: Ref) -> Outcome:
        """The outcome of reading an object, or the problems of a file."""
        if ref.kind == FILE:
            file = self._files.get(ref.name)
            complaint = self._complaints.get(ref.origin, {}).get(ref)
            problems = file.problems if file else (complaint,) if complaint else ()
            return Refused(ref, problems) if problems else None
        holders = self._holders.get(ref)
        if not holders or (first := self._declared(ref)) is None:
            return None
        if isinstance(first, Upserted) and isinstance(first.value, Ingress):
            first = replace(first, value=with_class(first.value, self._default_class))
        if len(holders) == 1:
            return first
        problem = duplicate(ref, holders[0], holders[1:])
        return replace(first, problems=(*first.problems, problem))
