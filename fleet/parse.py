"""Reads a manifest into an object of the fleet, and its mistakes into problems.

A mistake costs the smallest part around it that can be left out: an item of a list, an annotation
or a label. That part is cut out, a problem says so, and the rest is read again. If no such part
exists, the object is refused and its last good version stays in force.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticSerializationError

from fleet.events import Refused, Upserted
from fleet.expectation import Location, expected_at
from fleet.fields import Stranger, strangers_in
from fleet.kinds import Kind, Kinds, Slip
from fleet.misspelt import misspelt
from fleet.models import UNREAD, AnnotatedMetadata, FleetObject, Secret
from fleet.problem import Problem
from fleet.prune import (
    Tree,
    Unencodable,
    copy_of,
    cut,
    is_encodable,
    part_around,
    printable,
    spell,
    value_at,
    widen,
)
from fleet.ref import HUB, Ref

MAX_PROBLEMS: Final = 50
"""Problems that one object reports. One more problem gives the number of all others."""

FILE: Final = "File"
"""The kind of a Ref that stands for a manifest file, for problems that belong to no object."""

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

_LONG: Final = 200
"""Characters of a value that a problem keeps."""

_REFUSED: Final = "the last good version of the object stays in force, if there is one"
_KEPT: Final = "what the file held before stays in force"

_ANNOTATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "IngressClass": ("ingressclass.kubernetes.io/is-default-class",),
}
"""All annotations that are read of a kind, for kinds whose misspelt annotations are found here.

Those of gateways and Ingresses are found where their annotations are read.
"""


@dataclass(frozen=True, slots=True)
class Unused:
    """An object of a kind that is not read there, which is no mistake.

    `ref` is None if the object has no valid name.
    """

    kind: str
    ref: Ref | None = None


Parsed: TypeAlias = Upserted | Refused | Unused


def objects_in(document: object, kinds: Kinds) -> Iterator[object]:
    """The manifests of a document. A `List` stands for its items, which may be lists again."""
    pending = [document]
    while pending:
        value = pending.pop()
        if not isinstance(value, Mapping) or not _is_list(value, kinds):
            yield value
            continue
        head = {"apiVersion": value["apiVersion"], "kind": str(value["kind"]).removesuffix("List")}
        items = value["items"]
        if head["kind"] in kinds:  # the items of an API server's IngressList have no kind
            items = [{**head, **item} if isinstance(item, Mapping) else item for item in items]
        pending += reversed(items)


def _is_list(manifest: Mapping[object, object], kinds: Kinds) -> bool:
    kind, items = manifest.get("kind"), manifest.get("items")
    if not isinstance(items, list) or not isinstance(kind, str) or "apiVersion" not in manifest:
        return False
    return kind == "List" or kind.removesuffix("List") in kinds


def parse(
    manifest: object, origin: str, file: str, kinds: Kinds, *, served: bool = False
) -> Parsed:
    """Read one manifest of an origin; `served` is whether it comes from an API server.

    A manifest without a valid kind and name gives a Refused on `Ref(origin, "File", "", file)`.
    Costs about 50 µs.
    """
    nowhere = Ref(origin, FILE, "", file)
    if not isinstance(manifest, Mapping):
        shape = "a list" if isinstance(manifest, list) else "a single value"
        return _refuse(nowhere, "NotAnObject", "", shape, "an object with apiVersion and kind")
    for key, example in (("kind", "Ingress"), ("apiVersion", "v1")):
        value = manifest.get(key)
        if not isinstance(value, str) or not is_encodable(value):
            return _refuse(nowhere, "NotAnObject", key, value, f"text such as {example}")
    name, api_version = str(manifest["kind"]), str(manifest["apiVersion"])
    kind = kinds.find(name, api_version, on_hub=origin == HUB)
    known = kinds.get(name)
    namespaced = known is None or known.namespaced
    ref = _identify(manifest, name, nowhere, namespaced=namespaced)
    if kind is None:
        return Unused(name, ref if isinstance(ref, Ref) else None)
    if isinstance(ref, Refused):
        return ref
    if isinstance(kind, Slip):
        at = ref if known else nowhere
        return _refuse(at, "UnknownKind", kind.key, kind.value, kind.expected)
    return _read(kind, ref, manifest, _strangers(kind, manifest, served=served))


def read_served(item: Mapping[object, object], kind: Kind, origin: str, file: str) -> Parsed:
    """Read an object of a known kind that comes from an API server. Costs about 50 µs."""
    ref = _identify(item, kind.name, Ref(origin, FILE, "", file), namespaced=kind.namespaced)
    if isinstance(ref, Refused):
        return ref
    return _read(kind, ref, item, _strangers(kind, item, served=True))


def _strangers(
    kind: Kind, manifest: Mapping[object, object], *, served: bool
) -> Sequence[Stranger]:
    """The unknown fields of a manifest.

    An API server prunes unknown fields of Kubernetes' own kinds, so these are not searched again.
    """
    if served and not kind.complete:
        return ()
    return strangers_in(kind.fields, manifest, complete=kind.complete)


def _generation(manifest: Mapping[object, object]) -> int:
    metadata = cast("Mapping[str, object]", manifest["metadata"])
    generation = metadata.get("generation")
    return generation if isinstance(generation, int) else 0


def is_name(text: str) -> bool:
    """Whether an object can have this name."""
    return len(text) <= 253 and bool(_NAME.fullmatch(text))


def _identify(
    manifest: Mapping[object, object], kind: str, nowhere: Ref, *, namespaced: bool
) -> Ref | Refused:
    """The name of a manifest's object, or a Refused if it has no valid one."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping):
        return _refuse(nowhere, "InvalidField", "metadata", metadata, f"the name of the {kind}")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not is_name(name):
        expected = f"the name of the {kind}: lower case letters, digits, '-' and '.', in quotes"
        return _refuse(nowhere, "InvalidName", "metadata.name", name, expected)
    if not namespaced:
        return Ref(nowhere.origin, kind, "", name)
    if namespace is None or namespace == "":
        return Ref(nowhere.origin, kind, "default", name)
    if isinstance(namespace, str) and len(namespace) <= 63 and _NAMESPACE.fullmatch(namespace):
        return Ref(nowhere.origin, kind, namespace, name)
    expected = f"the namespace of the {kind} {name}: lower case letters, digits and '-', in quotes"
    return _refuse(nowhere, "InvalidName", "metadata.namespace", namespace, expected)


def _read(
    kind: Kind, ref: Ref, manifest: Mapping[object, object], strangers: Sequence[Stranger]
) -> Upserted | Refused:
    for field, most in kind.longest:  # before time is spent on each item
        value = manifest.get(field)
        if isinstance(value, list) and len(value) > most:
            expected = f"up to {most} {field}, as in Kubernetes"
            return _refuse(ref, "TooLong", field, f"{len(value)} items", expected)
    faultless = None if strangers else _faultless(kind, ref, manifest)
    outcome = Upserted(ref, faultless) if faultless else _pruned(kind, ref, manifest, strangers)
    if isinstance(outcome, Refused):
        return replace(outcome, generation=_generation(manifest))
    unread = tuple(_misspelt(ref, manifest)) if ref.kind in _ANNOTATIONS else ()
    return replace(outcome, problems=(*outcome.problems, *unread)) if unread else outcome


def _faultless(kind: Kind, ref: Ref, manifest: Mapping[object, object]) -> FleetObject | None:
    """Read a manifest without the copy that `_pruned` cuts parts out of.

    Making that copy is most of the work, and nearly every object can do without. Gives None if the
    object needs the copy: it has a mistake, a null or text that cannot be encoded, or is a Secret.
    """
    if kind.model is Secret:
        return None
    metadata = {**cast("Mapping[object, object]", manifest["metadata"]), "namespace": ref.namespace}
    try:
        value = kind.model.model_validate(
            {**manifest, "metadata": metadata}, by_alias=True, by_name=False
        )
        text = value.model_dump_json()
    except (ValidationError, PydanticSerializationError):
        return None
    # The models take any text, also text that cannot be encoded. pydantic refuses to write half a
    # surrogate pair in a value as JSON; in a key it writes U+FFFD instead.
    return None if "\\u0000" in text or "\ufffd" in text else value


def _pruned(
    kind: Kind, ref: Ref, manifest: Mapping[object, object], strangers: Sequence[Stranger]
) -> Upserted | Refused:
    """Validate a copy of the manifest, cut out each part with a mistake, and validate again.

    It ends, since each round but the last one cuts out at least one part.
    """
    tree = _tree(kind, ref, manifest)
    problems = list(_quoted(kind, ref, tree))
    around = {s.location: part_around(tree, s.location) for s in strangers if s.widens}
    problems += (_strange(ref, tree, stranger, around) for stranger in strangers)
    if not all(around.values()):
        return Refused(ref, _bounded(problems))
    cut(tree, _outermost(set(around.values())))
    while True:
        try:
            value = kind.model.model_validate(tree, by_alias=True, by_name=False)
        except ValidationError as e:
            errors = e.errors(include_url=False)
        else:
            return Upserted(ref, value, _bounded(problems))
        around = {error["loc"]: part_around(tree, error["loc"]) for error in errors}
        wider = widen(tree, {part for part in around.values() if part})
        for error in errors:
            part = wider.get(around[error["loc"]], ())
            effect = f"{_path(tree, part)} is left out" if part else _REFUSED
            problems.append(_problem(kind, ref, tree, error, effect))
        if not all(around.values()):
            return Refused(ref, _bounded(problems))
        parts = _outermost(set(wider.values()))
        tree["metadata"][UNREAD] = (*tree["metadata"].get(UNREAD, ()), *_unread(tree, parts))
        cut(tree, parts)


def _unread(tree: Tree, parts: Iterable[Location]) -> list[str]:
    """The keys of the annotations among these parts, without keys that cannot be encoded."""
    values = {str(part[2]): value_at(tree, part) for part in parts if _is_annotation(part)}
    return sorted(k for k, v in values.items() if not (isinstance(v, Unencodable) and v.text == k))


def _is_annotation(location: Location) -> bool:
    return location[:2] == ("metadata", "annotations") and len(location) == 3


def _strange(
    ref: Ref, tree: Tree, stranger: Stranger, around: Mapping[Location, Location]
) -> Problem:
    """The problem of an unknown field."""
    expected = stranger.meant or f"one of {', '.join(stranger.beside)}"
    effect = "it has no effect"
    if stranger.widens:
        part = around[stranger.location]
        effect = f"{spell(tree, part)} is left out" if part else _REFUSED
    key = spell(tree, tuple(printable(s) if isinstance(s, str) else s for s in stranger.location))
    value = "" if ref.kind == Secret.__name__ else _shown(stranger.value)
    return Problem(ref, "UnknownField", key, value, expected, effect)


def _misspelt(ref: Ref, manifest: Mapping[object, object]) -> Iterator[Problem]:
    metadata = cast("Mapping[str, object]", manifest["metadata"])
    annotations = metadata.get("annotations")
    if isinstance(annotations, Mapping):
        texts = {printable(str(key)): _shown(value) for key, value in annotations.items()}
        yield from misspelt(ref, texts, _ANNOTATIONS[ref.kind])


def _quoted(kind: Kind, ref: Ref, tree: Tree) -> Iterator[Problem]:
    """Replace annotations such as `canary: true` in `tree` by their text, with a problem for each.

    An API server would refuse the whole object. To leave the annotation out would be worse: without
    `canary`, the Ingress would be an ordinary one. Kinds whose annotations are not read are left
    alone.
    """
    metadata = kind.model.model_fields["metadata"].annotation
    if not (isinstance(metadata, type) and issubclass(metadata, AnnotatedMetadata)):
        return
    annotations = tree["metadata"].get("annotations")
    for key, value in annotations.items() if isinstance(annotations, dict) else ():
        if isinstance(value, bool | int | float):
            text = annotations[key] = json.dumps(value)
            expected = f'a string; put it in quotes: "{text}"'
            effect = f'it is read as "{text}"'
            shown = _one_line(str(key))
            yield Problem(ref, "InvalidAnnotation", shown, text, expected, effect)


def _tree(kind: Kind, ref: Ref, manifest: Mapping[object, object]) -> Tree:
    """A copy of those parts of a manifest that its model reads."""
    fields = [field.alias or name for name, field in kind.model.model_fields.items()]
    tree = copy_of({field: manifest[field] for field in fields if field in manifest})
    tree["metadata"]["namespace"] = ref.namespace
    texts = manifest.get("stringData")
    if kind.model is Secret and isinstance(texts, Mapping):
        data = tree.setdefault("data", {})
        if isinstance(data, dict):  # an API server merges `stringData` into `data` in the same way
            data |= {key: _base64(text) for key, text in copy_of(texts).items()}
    return tree


def _base64(text: Tree) -> Tree:
    return b64encode(text.encode()).decode() if isinstance(text, str) else text


def _outermost(parts: Set[Location]) -> list[Location]:
    """The parts that are inside of no other one."""
    return [p for p in parts if not any(p[:n] in parts for n in range(1, len(p)))]


def _problem(kind: Kind, ref: Ref, tree: Tree, error: ErrorDetails, effect: str) -> Problem:
    location = error["loc"]
    key, expected = _path(tree, location), expected_at(kind.model, location)
    value = _shown(error["input"])
    reason = "InvalidField"
    if error["type"] == "missing":
        value, expected = "", f"{expected}; it is missing"
    elif isinstance(error["input"], Unencodable):
        expected = "text without NUL characters and halves of surrogate pairs"
    elif location[:2] in {("metadata", "annotations"), ("metadata", "labels")} and location[2:]:
        expected = f'a string; put it in quotes: "{value}"'
    elif error["type"] == "int_type" and value.isdecimal():
        expected += ", without quotes"
    if _is_annotation(location):
        key = _one_line(str(location[2]))
        reason, effect = "InvalidAnnotation", "the annotation is ignored"
    if kind.model is Secret and location[0] != "metadata":
        value = ""  # a problem never shows a Secret's bytes
    return Problem(ref, reason, key, value, expected, effect)


def _path(tree: Tree, location: Location) -> str:
    """The path of a field as one printable line: users may put any text into keys."""
    return _one_line(spell(tree, location))


def _one_line(text: str) -> str:
    shown = text[:_LONG] + ("..." if len(text) > _LONG else "")
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)


def _bounded(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    shown = tuple(dict.fromkeys(problems[:MAX_PROBLEMS]))
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return shown
    last = problems[-1]
    summary = Problem(last.at, last.reason, "", f"{more} more mistakes", "fewer", last.effect)
    return (*shown, summary)


def _refuse(at: Ref, reason: str, key: str, value: object, expected: str) -> Refused:
    effect = _KEPT if at.kind == FILE else _REFUSED
    return Refused(at, (Problem(at, reason, key, _shown(value), expected, effect),))


def _shown(value: object) -> str:
    """The value as a problem shows it: a word for mappings and lists, and long texts cut."""
    match value:
        case None:
            text = ""
        case Unencodable():
            text = value.text
        case str():
            text = printable(value[:_LONG])
        case Mapping():
            text = "a mapping"
        case list():
            text = "a list"
        case _:
            text = json.dumps(value, default=str)
    return text if len(text) <= _LONG else text[:_LONG] + "..."
