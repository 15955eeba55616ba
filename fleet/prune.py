"""Cuts parts out of a manifest, and remembers where the other parts stood.

A cut shifts the later items of a list. Problems that are found afterwards still have to name the
positions that the user sees in the manifest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from fleet.expectation import Location
from fleet.models import POSITION

Tree: TypeAlias = Any  # a manifest as `copy_of` makes it: dicts, Items, texts, numbers

MAX_DEPTH: Final = 24
"""Levels that are copied. No model reads more than 12."""

_TEXTS: Final = frozenset({"annotations", "labels", "data"})
"""Mappings whose keys the user chooses, so that any entry can be left out."""


class Items(list[Tree]):
    """A list that knows the positions that its items have in the manifest."""

    def __init__(self, items: Sequence[Tree], positions: Sequence[int]) -> None:
        super().__init__(items)
        self.positions = positions


class Unencodable:
    """Stands for a text that cannot be encoded, so that a model refuses it as no text."""

    def __init__(self, text: str) -> None:
        self.text = printable(text)

    def __str__(self) -> str:
        return self.text


def copy_of(value: object, depth: int = 0) -> Tree:
    """Copy a manifest without its null fields, which Kubernetes treats as absent."""
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
    """The text with escapes in place of characters that cannot be encoded."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def is_encodable(text: str) -> bool:
    """Whether protobuf, JSON and a log can carry the text: it has no NUL and no lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in text)


def part_around(tree: Tree, location: Location) -> Location:
    """The smallest part around a field that can be left out; () if there is none.

    A part that can be left out is an item of a list, or an entry of a mapping of texts.
    """
    part: Location = ()
    value = tree
    for depth, step in enumerate(location):
        if isinstance(value, Items) and isinstance(step, int) and step < len(value):
            part = location[: depth + 1]
        elif isinstance(value, dict) and step in value:
            if depth and location[depth - 1] in _TEXTS:
                part = location[: depth + 1]
        else:
            break
        value = value[step]
    return part


def widen(tree: Tree, parts: Iterable[Location]) -> dict[Location, Location]:
    """For each part, the part that has to be cut out instead of it, mostly itself.

    If all items of a list of plain values would go, the item that holds the list goes: an empty
    list would have a meaning of its own, such as a certificate for all hosts.
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
    """Cut parts out of the tree. O(length of the lists that they are in)."""
    by_parent: dict[Location, set[str | int]] = defaultdict(set)
    for part in parts:
        by_parent[part[:-1]].add(part[-1])
    # The deepest parts go first, so that no cut moves a part that is still to be cut.
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
    """The value at a location that exists."""
    for step in location:
        tree = tree[step]
    return tree


def spell(tree: Tree, location: Location) -> str:
    """The path of a field as Kubernetes spells it, with the positions of the manifest."""
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
