"""Manifests that parts can be cut out of, without losing where the other parts stood.

A cut shifts the items of a list behind it; problems found later still have to name the positions
that the user sees.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from fleet.expectation import Location
from fleet.models import POSITION

Tree: TypeAlias = Any  # text, number, dict or Items, as YAML and JSON have it

MAX_DEPTH: Final = 24
"""Levels that are copied; no model reads further down than 12."""

_TEXTS: Final = frozenset({"annotations", "labels", "data"})
"""The mappings whose entries are users' own: any entry can be left out."""


class Items(list[Tree]):
    """A list that remembers at which positions its items stood at first."""

    def __init__(self, items: Sequence[Tree], positions: Sequence[int]) -> None:
        super().__init__(items)
        self.positions = positions


class Unencodable:
    """Stands for text that cannot be encoded, so that whoever reads it finds no text."""

    def __init__(self, text: str) -> None:
        self.text = printable(text)

    def __str__(self) -> str:
        return self.text


def copy_of(value: object, depth: int = 0) -> Tree:
    """Copy a manifest, without null fields: Kubernetes takes a null for an absent field."""
    if isinstance(value, str):
        return value if is_encodable(value) else Unencodable(value)
    if isinstance(value, Mapping):
        if depth == MAX_DEPTH:
            return {}
        return dict(_entry(k, v, depth + 1) for k, v in value.items() if v is not None)
    if isinstance(value, list | tuple):
        if depth == MAX_DEPTH:
            return Items((), ())
        return Items([copy_of(item, depth + 1) for item in value], range(len(value)))
    return value


def _entry(key: object, value: object, depth: int) -> tuple[str, Tree]:
    text = str(key)
    if is_encodable(text):
        return text, copy_of(value, depth)
    stand_in = Unencodable(text)
    return stand_in.text, stand_in


def printable(text: str) -> str:
    """The text with what cannot be encoded spelled out."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def is_encodable(text: str) -> bool:
    """Whether protobuf, JSON and a log can carry it: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)


def part_around(tree: Tree, location: Location) -> Location:
    """The smallest part around a field that can be left out; () where there is none.

    That is an item of a list, or an entry of a mapping of texts.
    """
    found: Location = ()
    value = tree
    for depth, step in enumerate(location):
        if isinstance(value, Items) and isinstance(step, int) and step < len(value):
            found = location[: depth + 1]
        elif isinstance(value, dict) and step in value:
            if depth and location[depth - 1] in _TEXTS:
                found = location[: depth + 1]
        else:
            break
        value = value[step]
    return found


def widen(tree: Tree, parts: Iterable[Location]) -> dict[Location, Location]:
    """Give each part, or what has to go instead of it.

    A list of plain values that nothing is left of goes with the item that holds it: an empty list
    means something of its own, such as a certificate for all hosts.
    """
    by_list: dict[Location, set[Location]] = defaultdict(set)
    for part in parts:
        by_list[part[:-1]].add(part)
    wider: dict[Location, Location] = {}
    for parent, inside in by_list.items():
        items = value_at(tree, parent)
        is_plain = isinstance(items, Items) and not any(isinstance(item, dict) for item in items)
        holder = part_around(tree, parent) if is_plain and len(inside) == len(items) else ()
        wider |= {part: holder or part for part in inside}
    return wider


def cut(tree: Tree, parts: Iterable[Location]) -> None:
    """Take parts out. O(length of the lists that they are in)."""
    by_parent: dict[Location, set[str | int]] = defaultdict(set)
    for part in parts:
        by_parent[part[:-1]].add(part[-1])
    # The deepest first: what is above and before has not moved then.
    for parent in sorted(by_parent, key=len, reverse=True):
        holder, steps = value_at(tree, parent), by_parent[parent]
        if isinstance(holder, Items):
            kept = [i for i in range(len(holder)) if i not in steps]
            positions = [holder.positions[i] for i in kept]
            holder[:] = [holder[i] for i in kept]
            holder.positions = positions
            for i, position in enumerate(positions):
                if i != position and isinstance(holder[i], dict):
                    holder[i][POSITION] = position
        else:
            for step in steps:
                del holder[step]


def value_at(tree: Tree, location: Location) -> Tree:
    """What stands at a location that exists."""
    for step in location:
        tree = tree[step]
    return tree


def spell(tree: Tree, location: Location) -> str:
    """The path of a field as Kubernetes spells it, with the positions that the manifest has."""
    text = ""
    value = tree
    for depth, step in enumerate(location):
        if isinstance(step, int):
            text += f"[{value.positions[step] if isinstance(value, Items) else step}]"
        elif depth and location[depth - 1] in _TEXTS:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
        value = value[step] if isinstance(step, int) else value.get(step, {})
    return text
