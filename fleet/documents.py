"""Reads the YAML and JSON texts that users of Kubernetes write.

PyYAML's C parser gives events. The values are built here, for four reasons:

- Kubernetes reads scalars as YAML 1.2 does: times are text, only true and false are booleans, and
  `010` is no octal number.
- The depth of nesting, and the size of what aliases stand for, have a bound.
- A key that a mapping has twice is reported.
- A mistake is reported with its line and column.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

MAX_DEPTH: Final = 200
"""Levels of nesting in a document. The deepest published CRDs have about 60."""

_TOO_DEEP: Final = f"it is nested more than {MAX_DEPTH} levels deep"

MAX_ALIASED: Final = 100_000
"""Nodes that the aliases of a text may stand for. A hundred characters count as one more node.

Without the bound, a few lines of nested aliases could stand for gigabytes.
"""


class UnreadableText(ValueError):
    """A text is neither YAML nor JSON; `why` is the parser's message.

    `line` and `column` count from 1, and are 0 if the parser does not know them. The message quotes
    nothing of the text, which may be a Secret.
    """

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(f"line {line}, column {column}: {why}")
        self.line = line
        self.column = column
        self.why = why


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text. `repeated` has the path of each key that a mapping has twice."""

    value: Value
    line: int
    repeated: tuple[str, ...] = ()


def read_yaml(text: str) -> list[Document]:
    """The documents of a YAML text, without empty ones. Raises UnreadableText. O(text)."""
    try:
        data = text.encode()
        documents = _Builder(data).documents()
        return [document for document in documents if document.value is not None]
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        why = e.problem or e.context or "it is no YAML"
        # libyaml reads ahead, so a text may reach its limit (1000 levels) before MAX_DEPTH.
        why = _TOO_DEEP if "nesting" in why else why
        raise UnreadableText(line, column, why) from e
    except yaml.reader.ReaderError as e:
        line = data.count(b"\n", 0, e.position) + 1
        column = e.position - data.rfind(b"\n", 0, e.position)
        raise UnreadableText(line, column, str(e.reason)) from e
    except UnicodeEncodeError as e:
        raise UnreadableText(0, 0, e.reason) from e


def read_json(text: str) -> list[Document]:
    """The values that a JSON text has one after the other. Raises UnreadableText. O(text)."""
    repeated: list[str] = []

    def mapping(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        unique = dict(pairs)
        if len(unique) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            repeated.extend(key for key, count in counts.items() if count > 1)
        return unique

    def constant(name: str) -> float:
        raise ValueError(f"{name} is no JSON number")

    decoder = json.JSONDecoder(object_pairs_hook=mapping, parse_constant=constant)
    documents: list[Document] = []
    line, end = 1, 0
    try:
        while (start := _skip_blanks(text, end)) < len(text):
            line += text.count("\n", end, start)
            value, end = decoder.raw_decode(text, start)
            documents.append(Document(value, line, tuple(repeated)))
            line += text.count("\n", start, end)
            repeated.clear()
    except json.JSONDecodeError as e:
        raise UnreadableText(e.lineno, e.colno, e.msg) from e
    except RecursionError as e:
        raise UnreadableText(line, 1, _TOO_DEEP) from e
    except ValueError as e:
        raise UnreadableText(line, 1, str(e)) from e
    for document in documents:
        if _is_too_deep(document.value):
            raise UnreadableText(document.line, 1, _TOO_DEEP)
    return [document for document in documents if document.value is not None]


def _is_too_deep(value: Value) -> bool:
    """Whether lists and mappings are nested more than MAX_DEPTH levels deep. O(value)."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Value) -> Iterable[Value]:
    match value:
        case list():
            return value
        case dict():
            return value.values()
        case _:
            return ()


_BLANKS: Final = re.compile(r"[ \t\r\n]*")


def _skip_blanks(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position


class _Builder:
    """Builds the documents of a stream of YAML events."""

    def __init__(self, data: bytes) -> None:
        self._events: Iterator[Event] = yaml.parse(data, Loader=yaml.CSafeLoader)
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._weight = 0
        self._aliased = 0
        self._path: list[str] = []
        self._repeated: list[str] = []

    def documents(self) -> Iterator[Document]:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self._anchors.clear()
                value = self._node(next(self._events))
                yield Document(value, _position(event)[0], tuple(self._repeated))
                self._repeated.clear()

    def _node(self, event: Event) -> Value:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        before = self._weight
        value: Value
        if isinstance(event, ScalarEvent):
            self._weight += 1 + len(event.value) // 100
            value = _scalar(event)
        elif len(self._path) >= MAX_DEPTH:
            raise _error(event, _TOO_DEEP)
        elif isinstance(event, MappingStartEvent):
            value = self._mapping(event)
        else:
            value = self._sequence(event)
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = value, self._weight - before
        return value

    def _alias(self, event: AliasEvent) -> Value:
        if event.anchor not in self._anchors:
            why = f"the alias *{event.anchor} stands before or inside of what it names"
            raise _error(event, why)
        value, weight = self._anchors[event.anchor]
        self._weight += weight
        self._aliased += weight
        if self._aliased > MAX_ALIASED:
            raise _error(event, f"aliases stand for more than {MAX_ALIASED} nodes")
        return value

    def _sequence(self, start: Event) -> Value:
        _check_tag(start, "seq")
        self._weight += 1
        items: list[Value] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            self._path.append(f"[{len(items)}]")
            items.append(self._node(event))
            self._path.pop()
        return items

    def _mapping(self, start: Event) -> Value:
        _check_tag(start, "map")
        self._weight += 1
        pairs: dict[str, Value] = {}
        merged: list[Value] = []
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(event)
            is_merge = key == "<<" and isinstance(event, ScalarEvent) and event.implicit[0]
            self._path.append(f".{key}")
            value = self._node(next(self._events))
            if is_merge:
                merged += value if isinstance(value, list) else [value]
            elif key in pairs:
                self._repeated.append("".join(self._path).lstrip("."))
            if not is_merge:
                pairs[key] = value
            self._path.pop()
        return self._merge(start, pairs, merged) if merged else pairs

    def _key(self, event: Event) -> str:
        """The text of a key as it is written: Kubernetes also reads `80: x` as `"80": x`."""
        if isinstance(event, AliasEvent):
            key = self._alias(event)
            if isinstance(key, str):
                return key
        if not isinstance(event, ScalarEvent):
            raise _error(event, "a key must be text")
        self._weight += 1
        return event.value

    def _merge(self, start: Event, pairs: dict[str, Value], merged: list[Value]) -> Value:
        """Apply `<<`: keys of the mapping itself win, then those of the first merged mapping."""
        for other in merged:
            if not isinstance(other, dict):
                raise _error(start, "<< takes a mapping or a list of mappings")
            pairs = {**other, **pairs}
        return pairs


_PREFIX: Final = "tag:yaml.org,2002:"

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})|0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]{1,30}|(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
"""`007` and `1_000` match no number and are text: YAML 1.1 and 1.2 read them differently."""

_TAGS: Final = {int: "int", float: "float", bool: "bool", type(None): "null"}


def _scalar(event: ScalarEvent) -> Value:
    text: str = event.value
    if event.tag is None or event.tag == "!":
        return _resolve(text) if event.implicit[0] else text
    if event.tag == _PREFIX + "str":
        return text
    value = _resolve(text)
    if event.tag != f"{_PREFIX}{_TAGS.get(type(value))}":
        raise _error(event, f"the tag {event.tag} does not fit here")
    return value


def _resolve(text: str) -> Value:
    """The value of a scalar that is written without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _check_tag(event: Event, kind: str) -> None:
    tag = getattr(event, "tag", None)
    if tag not in {None, "!", _PREFIX + kind}:
        raise _error(event, f"the tag {tag} does not fit here")


def _error(event: Event, why: str) -> UnreadableText:
    return UnreadableText(*_position(event), why)


def _position(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)
