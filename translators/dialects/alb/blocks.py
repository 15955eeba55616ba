"""JSON lists in annotations of ALB: blocks with a type, and what stands in them.

Names of fields, and words such as the types, are read without regard to case.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

from translators.dialects.annotations.reader import Unusable
from translators.model.bounds import MAX_BLOCK_TEXT, MAX_BLOCKS, MAX_VALUES

T = TypeVar("T")


class Fields(NamedTuple):
    """A JSON object. `at` is its place, for problems."""

    at: str
    values: Mapping[str, object]

    def has(self, name: str) -> bool:
        """Return whether a field is there and not null."""
        return self.values.get(name.lower()) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a field that is a text or an integer."""
        value = self.values.get(name.lower())
        if value is None and default is not None:
            return default
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and _is_text(value):
            return value
        raise Unusable(f"a text as {self.at}{name}")

    def is_on(self, name: str, *, default: bool) -> bool:
        """Return a switch, which may be a text too."""
        value = str(self.values.get(name.lower(), default)).lower()
        if value not in _SWITCHES:
            raise Unusable(f"true or false as {self.at}{name}")
        return _SWITCHES[value]

    def part(self, name: str) -> "Fields":
        """Return a field that is an object."""
        value = self.values.get(name.lower())
        if not isinstance(value, dict):
            raise Unusable(f"an object as {self.at}{name}")
        return Fields(f"{self.at}{name}.", value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that is a list of texts, each of them once."""
        texts = [each for each in self._items(name) if isinstance(each, str) and _is_text(each)]
        if len(texts) < len(self._items(name)):
            raise Unusable(f"a list of texts as {self.at}{name}")
        return tuple(dict.fromkeys(texts))

    def parts(self, name: str) -> tuple["Fields", ...]:
        """Return a field that is a list of objects."""
        items = self._items(name)
        parts = [each for each in items if isinstance(each, dict)]
        if len(parts) < len(items):
            raise Unusable(f"a list of objects as {self.at}{name}")
        return tuple(Fields(f"{self.at}{name}[{i}].", part) for i, part in enumerate(parts))

    def _items(self, name: str) -> list[object]:
        value = self.values.get(name.lower())
        if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
            raise Unusable(f"a list of 1 to {MAX_VALUES} values as {self.at}{name}")
        return value


_SWITCHES: Final[Mapping[str, bool]] = {"true": True, "on": True, "false": False, "off": False}


def as_a_whole(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Make a parser of a list, whose effect is that of the annotation, whatever part is wrong."""

    def parse_all(text: str) -> T:
        try:
            return parse(text)
        except Unusable as e:
            raise Unusable(e.expected) from e

    return parse_all


def read_blocks(text: str) -> tuple[Fields, ...]:
    """Read a list of objects. Raises Unusable for any other text."""
    expected = f"a JSON list of 1 to {MAX_BLOCKS} objects, each with a type"
    if len(text) > MAX_BLOCK_TEXT:
        raise Unusable(f"at most {MAX_BLOCK_TEXT} characters")
    try:
        items = json.loads(text, object_pairs_hook=_folded)
    except Unusable:
        raise
    except (ValueError, RecursionError) as e:
        raise Unusable(expected) from e
    if not isinstance(items, list) or not 0 < len(items) <= MAX_BLOCKS:
        raise Unusable(expected)
    if not all(isinstance(item, dict) for item in items):
        raise Unusable(expected)
    return tuple(Fields("", item) for item in items)


def _is_text(value: str) -> bool:
    """Return whether a text can be encoded: JSON can write one half of a character."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _folded(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object with its names in lower case. A name that occurs twice would be lost."""
    folded = {name.lower(): value for name, value in pairs}
    if len(folded) < len(pairs):
        raise Unusable("objects that have each field once")
    return folded
