"""Reads the settings of a directory fleet's members: the files `members/ID.yaml`.

    addressing: nodePorts
    region: eu-west

A file with a mistake has no effect: the settings from before stay in force. A member that has none
from before is not read. A file that is gone means the defaults.
"""

import os
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fleet.documents import Document, UnreadableText, Value, read_json, read_yaml
from fleet.member_settings import MemberSettings
from fleet.parse import FILE
from fleet.parse_settings import NAMES, Mistake, read_settings
from fleet.pod_addresses import PodAddresses
from fleet.problem import Problem
from fleet.prune import printable
from fleet.ref import HUB, Ref
from fleet.sources import files
from fleet.spelling import meant

SETTINGS_DIRECTORY: Final = "members"

_DEFAULTS: Final = MemberSettings(PodAddresses(loopback=True))
"""Members of a directory fleet may be processes of this machine, so loopback is permitted."""

_KEPT: Final = "the settings from before stay in force"
_UNREAD: Final = "the member is not read, since it has no settings from before"
_UNUSED: Final = "it has no effect"
_EXPECTED: Final = f"a mapping of settings: {', '.join(NAMES)}"


@dataclass(frozen=True, slots=True)
class _File:
    """A file of settings. `settings` is None if there are mistakes in it."""

    name: str
    path: Path
    stamp: files.Stamp | None = None
    settings: MemberSettings | None = None
    mistakes: tuple[Mistake, ...] = ()

    @property
    def member(self) -> str:
        """The member that the file is named after."""
        return files.show(self.path.stem)

    @property
    def ref(self) -> Ref:
        """The object of the file's problems."""
        return _ref(self.name)


class SettingsFiles:
    """The settings of all members, by the files in `directory`.

    `hub` is the directory beside it that every fleet has. `problems` are those of all files.
    """

    def __init__(self, directory: Path, hub: Path) -> None:
        self.problems: Mapping[Ref, tuple[Problem, ...]] = {}
        self._directory = directory
        self._hub = hub
        self._files: dict[str, _File] = {}
        self._in_force: dict[str, MemberSettings] = {}
        self._folders: list[str] = []
        self._closed = ""
        """Why the directory could not be listed by the last scan, "" if it could."""

    def scan(self, members: Set[str]) -> None:
        """Read the files that have changed. `members` are those of the fleet. O(files)."""
        self._closed = ""
        try:
            self._read_all()
        except OSError as e:
            self._closed = f"it cannot be read ({files.reason_of(e)})"
        counting = {f.member: f for _, f in sorted(self._files.items(), reverse=True)}
        for member in members:
            file = counting.get(member)
            if file is not None and file.settings is not None:
                self._in_force[member] = file.settings
            elif file is None and not self._closed:
                self._in_force[member] = _DEFAULTS
        self.problems = {
            problem.at: problems
            for problems in self._find_problems(members, counting)
            for problem in problems
        }

    def of(self, member: str) -> MemberSettings | None:
        """The settings of a member; None if no file of it was ever good."""
        return self._in_force.get(member)

    def _read_all(self) -> None:
        """Read the files that have changed, and forget those that are gone. Raises OSError."""
        try:
            with os.scandir(self._directory) as found:
                entries = [entry for entry in found if not files.is_ignored(entry.name)]
        except FileNotFoundError:
            entries = []
        self._folders = sorted(files.show(entry.name) for entry in entries if entry.is_dir())
        there = {
            entry.name: Path(entry.path)
            for entry in entries
            if Path(entry.name).suffix in files.SUFFIXES and not entry.is_dir()
        }
        # A listing may miss a file that is being replaced. Without the hub's directory, the whole
        # fleet is about to go, or to be replaced.
        absent = [name for name in self._files if name not in there]
        gone = [name for name in absent if not files.is_there(self._files[name].path)]
        if gone and self._hub.is_dir():
            for name in gone:
                del self._files[name]
        for name, path in there.items():
            known = self._files.get(name) or _File(_shown_name(files.show(name)), path)
            if known.stamp is None or known.stamp != files.stamp_of(path):
                self._load(name, known)

    def _load(self, name: str, known: _File) -> None:
        """Read a file. One that was removed during the scan is left to the next scan."""
        try:
            data, stamp = files.read(known.path)
        except files.UnreadableFileError as e:
            if files.is_there(known.path):
                mistake = Mistake("", str(e), "a file that can be read")
                self._files[name] = replace(known, stamp=None, settings=None, mistakes=(mistake,))
            return
        found = _read(data, is_json=known.path.suffix == ".json")
        if isinstance(found, MemberSettings):
            self._files[name] = replace(known, stamp=stamp, settings=found, mistakes=())
        else:
            self._files[name] = replace(known, stamp=stamp, settings=None, mistakes=found)

    def _find_problems(
        self, members: Set[str], counting: Mapping[str, _File]
    ) -> Iterator[tuple[Problem, ...]]:
        """The problems of each file that has any, and of other entries."""
        if self._closed:
            yield (_unlisted(self._closed),)
        for folder in self._folders:
            yield (_misplaced(folder),)
        for file in self._files.values():
            first = counting[file.member]
            if file.member not in members:
                yield (_of_nobody(file, members),)
            elif first is not file:
                yield (_second(file, first),)
            elif file.mistakes:
                effect = _KEPT if file.member in self._in_force else _UNREAD
                yield tuple(_wrong(file.ref, mistake, effect) for mistake in file.mistakes)


def _read(data: bytes, *, is_json: bool) -> MemberSettings | tuple[Mistake, ...]:
    """Read the bytes of a file."""
    try:
        text = data.decode()
        documents = read_json(text) if is_json else read_yaml(text)
    except UnicodeDecodeError:
        return (Mistake("", "", "UTF-8"),)
    except UnreadableText as e:
        at = f"line {e.line}, column {e.column}" if e.line else ""
        return (Mistake(at, e.why, "JSON" if is_json else "YAML"),)
    if not documents:
        return (Mistake("", "an empty file", f"{_EXPECTED}; remove the file for the defaults"),)
    if len(documents) > 1:
        return (Mistake("", f"{len(documents)} documents", f"one document with {_EXPECTED}"),)
    return _read_document(documents[0])


def _read_document(document: Document) -> MemberSettings | tuple[Mistake, ...]:
    value = document.value
    if not isinstance(value, dict):
        return (Mistake("", "a list" if isinstance(value, list) else "a single value", _EXPECTED),)
    mistakes = [Mistake(key, "", "the setting once") for key in document.repeated]
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    mistakes += [
        Mistake(name, _shown(other), "text, in quotes if it looks like something else")
        for name, other in value.items()
        if name not in texts
    ]
    if mistakes:
        return tuple(mistakes)
    return read_settings(texts, loopback=True)


def _shown(value: Value) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _shown_name(name: str) -> str:
    return f"{SETTINGS_DIRECTORY}/{name}"


def _ref(name: str) -> Ref:
    return Ref(HUB, FILE, "", name)


# -- problems -------------------------------------------------------------------------------------


def _wrong(at: Ref, mistake: Mistake, effect: str) -> Problem:
    name, value = printable(mistake.name), printable(mistake.value)
    return Problem(at, "InvalidSettings", name, value, mistake.expected, effect)


def _unlisted(why: str) -> Problem:
    expected = "a folder with the settings of members that can be read"
    effect = "settings from before stay in force, and members without any are not read"
    return Problem(_ref(SETTINGS_DIRECTORY), "UnreadableFile", "", why, expected, effect)


def _misplaced(folder: str) -> Problem:
    at, expected = _ref(_shown_name(folder)), f"files {SETTINGS_DIRECTORY}/MEMBER.yaml"
    return Problem(at, "MisplacedFile", "", "a folder", expected, "it is not read")


def _of_nobody(file: _File, members: Set[str]) -> Problem:
    there = ", ".join(sorted(members)[:5]) + (", ..." * (len(members) > 5))
    known = meant(file.member, members) or (f"one of {there}" if there else "there is none")
    expected = f"the ID of a member, which has a directory clusters/ID: {known}"
    return Problem(file.ref, "UnknownMember", "", file.member, expected, _UNUSED)


def _second(file: _File, first: _File) -> Problem:
    expected = f"one file for each member: {first.name} has the settings of {file.member}"
    return Problem(file.ref, "DuplicateSettings", "", file.name, expected, _UNUSED)
