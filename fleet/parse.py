"""A manifest into an object of the fleet, or into problems.

The unit of failure is the smallest part that can be left out: a list's item, an annotation, a
label. What is wrong is pruned with its problem, and the rest is read again. Where nothing smaller
can be left out the object is refused, and its last good version stays in force.
"""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fleet.documents import Document
from fleet.events import Refused, Upserted
from fleet.kinds import KINDS, READ_GROUPS, Kind, group_of
from fleet.problem import Problem
from fleet.ref import HUB, Ref

Location: TypeAlias = tuple[str | int, ...]

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TEXTS: Final = frozenset({"annotations", "labels", "data"})
"""Maps of texts, whose entries can be left out one by one."""

_REFUSED: Final = "the last good version of the object stays in force, if there is one"


@dataclass(frozen=True, slots=True)
class Unused:
    """A kind that fleetgate does not need: no mistake."""

    kind: str


Parsed: TypeAlias = Upserted | Refused | Unused


def parse(document: Document, origin: str, where: str) -> Parsed:
    """Read one manifest of an origin. `where` names its place for objects without a name."""
    nowhere = Ref(origin, "File", "", where)
    if not isinstance(document, dict):
        return _refuse(nowhere, "NotAnObject", "", document, "an object with apiVersion and kind")
    kind_name, api_version = document.get("kind"), document.get("apiVersion")
    if not isinstance(kind_name, str) or not isinstance(api_version, str):
        missing = "apiVersion" if isinstance(kind_name, str) else "kind"
        return _refuse(nowhere, "NotAnObject", missing, document.get(missing), "a string")
    kind = KINDS.get(kind_name)
    if kind is None or group_of(kind.api_version) != group_of(api_version):
        return _unknown(nowhere, kind_name, api_version, document)
    if kind.on_hub != (origin == HUB):
        return Unused(kind_name)
    return _read(kind, document, origin, nowhere)


def _unknown(nowhere: Ref, kind: str, api_version: str, document: Document) -> Parsed:
    """A kind that is not read: no mistake, unless its group is read or its group is the slip."""
    group = group_of(api_version)
    if kind in KINDS and kind in {"Ingress", "IngressClass", "EndpointSlice", "MseIngressConfig"}:
        expected = KINDS[kind].api_version
        at = _named(nowhere, kind, document)
        return _refuse(at, "UnknownKind", "apiVersion", api_version, f"{expected} for {kind}")
    known = READ_GROUPS.get(group)
    if known is None or kind in known:
        return Unused(kind)
    close = difflib.get_close_matches(kind, known, n=1) or sorted(known)
    at = _named(nowhere, kind, document)
    return _refuse(at, "UnknownKind", "kind", kind, f"a kind of {group}, such as {close[0]}")


def _named(nowhere: Ref, kind: str, document: Document) -> Ref:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(name, str):
        return nowhere
    namespaced = kind not in KINDS or KINDS[kind].namespaced
    namespace = metadata.get("namespace") or "default"
    return Ref(nowhere.origin, kind, str(namespace) if namespaced else "", name)


def _read(kind: Kind, document: Mapping[Any, Any], origin: str, nowhere: Ref) -> Parsed:  # YAML
    manifest = _copy(document)
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        return _refuse(nowhere, "InvalidField", "metadata", metadata, "an object with a name")
    name, namespace = metadata.get("name"), metadata.get("namespace", "default")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        expected = "a name of lower case letters, digits, - and ."
        return _refuse(nowhere, "InvalidField", "metadata.name", name, expected)
    if not kind.namespaced:
        namespace = ""
    elif not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        expected = "a name of lower case letters, digits and -"
        at = Ref(origin, kind.name, "", name)
        return _refuse(at, "InvalidField", "metadata.namespace", namespace, expected)
    metadata["namespace"] = namespace
    return _validate(kind, Ref(origin, kind.name, namespace, name), manifest)


def _validate(kind: Kind, ref: Ref, manifest: dict[Any, Any]) -> Parsed:  # YAML
    """Validate, prune what is wrong, validate again; each round prunes something or ends."""
    problems: list[Problem] = []
    while True:
        try:
            return Upserted(ref, kind.model.model_validate(manifest), tuple(problems))
        except ValidationError as e:
            errors = e.errors(include_url=False, include_context=True)
        found = [(_part(manifest, error["loc"]), error) for error in errors]
        problems += (_problem(ref, manifest, error, part) for part, error in found)
        if not all(part for part, _ in found):
            return Refused(ref, tuple(problems))
        for part in sorted({part for part, _ in found}, key=_last_first):
            _prune(manifest, part)


class _Items(list[Any]):  # YAML
    """A list that remembers which positions its items had in the manifest."""

    def __init__(self, items: Sequence[Any]) -> None:  # YAML
        super().__init__(items)
        self.positions = list(range(len(items)))


def _copy(value: Document) -> Document:
    """A copy to prune, without nulls: Kubernetes takes a null for an absent field."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return _Items([_copy(item) for item in value])
    return value


def _part(manifest: dict[Any, Any], location: Location) -> Location:  # YAML
    """The smallest part around the location that can be left out; () where there is none."""
    value: Any = manifest  # YAML
    best: Location = ()
    for depth, step in enumerate(location):
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            best = location[: depth + 1]
        elif isinstance(value, dict) and step in value:
            if depth and location[depth - 1] in _TEXTS:
                best = location[: depth + 1]
        else:
            break
        value = value[step]
    return best


def _last_first(location: Location) -> tuple[Any, ...]:  # positions and names
    """Longer locations and later positions first, so that none shifts before its turn."""
    return (-len(location), [-step if isinstance(step, int) else 0 for step in location])


def _prune(manifest: dict[Any, Any], location: Location) -> None:  # YAML
    value: Any = manifest  # YAML
    for step in location[:-1]:
        value = value[step]
    if isinstance(value, _Items):
        del value.positions[location[-1]]  # type: ignore[arg-type]  # a list's steps are integers
    del value[location[-1]]


def _problem(
    ref: Ref,
    manifest: dict[Any, Any],
    error: ErrorDetails,
    part: Location,  # YAML
) -> Problem:
    missing = error["type"] == "missing"
    value = "" if missing or ref.kind == "Secret" else _shown(error["input"])
    is_text = any(step in _TEXTS for step in error["loc"])
    expected = _expected(error)
    if is_text and error["type"] == "string_type":
        expected = f'a string, in quotes: "{value}"'
    effect = f"{_key(manifest, part)} is left out" if part else _REFUSED
    reason = "InvalidAnnotation" if "annotations" in error["loc"] else "InvalidField"
    return Problem(ref, reason, _key(manifest, error["loc"]), value, expected, effect)


def _expected(error: ErrorDetails) -> str:
    """What should stand there, in plain words."""
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            return f"{context['expected']}"
        case "greater_than_equal" | "less_than_equal":
            return "an integer from 1 to 65535"
        case "missing":
            return "the field to be there"
        case "value_error" | "string_unicode":
            return "valid text" if error["type"] == "string_unicode" else "an RFC 3339 time"
        case kind:
            return _WORDS.get(kind, error["msg"].removeprefix("Input should be "))


_WORDS: Final[Mapping[str, str]] = {
    "string_type": "a string",
    "int_type": "an integer",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "mapping_type": "an object",
    "datetime_type": "an RFC 3339 time",
}


def _key(manifest: dict[Any, Any], location: Location) -> str:  # YAML
    """The field's path as Kubernetes spells it, with the positions that the manifest has."""
    value: Any = manifest  # YAML
    parts: list[str] = []
    for step in location:
        if isinstance(value, _Items) and isinstance(step, int):
            parts.append(f"[{value.positions[step]}]")
            value = value[step]
            continue
        plain = isinstance(step, str) and step.isidentifier()
        parts.append((f".{step}" if parts else f"{step}") if plain else f"[{step}]")
        value = value.get(step) if isinstance(value, dict) else None
    return "".join(parts)


def _shown(value: object) -> str:
    """The value as the manifest has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value)


def _refuse(at: Ref, reason: str, key: str, value: object, expected: str) -> Refused:
    shown = "" if value is None else _shown(value)
    return Refused(at, (Problem(at, reason, key, shown, expected, _REFUSED),))
