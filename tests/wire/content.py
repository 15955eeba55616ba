"""Random content of messages, from which envoy-data-plane and its twin build the same message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import betterproto2
from envoy_data_plane.envoy.type.v3 import Percent
from envoy_data_plane.google.protobuf import Any as AnyMessage
from envoy_data_plane.google.protobuf import (
    Duration,
    Empty,
    ListValue,
    Struct,
    Timestamp,
    Value,
)
from hypothesis import strategies as st

from xds.schema import Field, Schema, fields_of, oneofs, type_url_of
from xds.wire import pack_bytes, struct, twin


@dataclass(frozen=True)
class Content:
    """A message as keywords of its constructor, for either class."""

    cls: Schema
    values: Mapping[str, Any]  # whatever the constructor takes


@dataclass(frozen=True)
class Json:
    """The content of a Struct."""

    values: dict[str, object]


@dataclass(frozen=True)
class Packed:
    """The content of an Any."""

    type_url: str
    body: bytes


# Surrogates are excluded because they have no encoding, and a negative zero because
# envoy-data-plane omits it.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_SCALARS: Mapping[str, st.SearchStrategy[object]] = {
    "bool": st.booleans(),
    "bytes": st.binary(max_size=5),
    "double": st.floats(allow_nan=False, allow_infinity=False).map(lambda f: f or 0.0),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda f: f or 0.0),
    "string": _TEXT,
} | {
    f"{kind}{bits}": st.integers(0, 2**bits - 1)
    if kind in {"uint", "fixed"}
    else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for kind in ("int", "uint", "sint", "fixed", "sfixed")
    for bits in (32, 64)
}


def _in_map_order(drawn: dict[Any, Any]) -> dict[Any, Any]:  # keys and values of any map
    """Order a map as the twin writes it, since envoy-data-plane keeps the order of insertion.

    The twin sorts strings, but puts a string before every string that it starts with. It writes
    numbers in descending order, and takes negative ones for the largest.
    """

    def key(entry: tuple[object, object]) -> object:
        if isinstance(entry[0], int):
            return -(entry[0] % 2**64)
        return entry[0].encode() + b"\xff" if isinstance(entry[0], str) else entry[0]

    return dict(sorted(drawn.items(), key=key))  # type: ignore[arg-type]  # keys of one type


_JSON: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9).map(float) | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2).map(_in_map_order)
    ),
    max_leaves=3,
)
_PLAIN: Mapping[type, st.SearchStrategy[object]] = {
    # envoy-data-plane encodes negative durations wrongly (-1 us as 0.999999 s), and Envoy has none.
    Duration: st.timedeltas(timedelta(0), timedelta(days=400)),
    Timestamp: st.integers(0, 10**10).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    Struct: st.dictionaries(_TEXT, _JSON, max_size=2).map(lambda d: Json(_in_map_order(d))),
    AnyMessage: st.floats(0, 100).map(
        lambda percent: Packed(type_url_of(Percent), bytes(Percent(value=percent)))
    ),
}


def contents(cls: Schema, depth: int) -> st.SearchStrategy[Content]:
    """Draw messages of which each field may be set. Below `depth` levels, messages are empty."""
    fields = {field.name: field for field in fields_of(cls)}

    @st.composite
    def draw_content(draw: st.DrawFn) -> Content:
        names = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=4))
        for group in oneofs(fields.values()):
            for excluded in [name for name in names if name in group][1:]:
                names.remove(excluded)
        return Content(cls, {name: draw(_values(fields[name], depth)) for name in names})

    return draw_content() if fields and depth else st.just(Content(cls, {}))


def _values(field: Field, depth: int) -> st.SearchStrategy[object]:
    one = _single(field, depth)
    if field.key_type:
        return st.dictionaries(_SCALARS[field.key_type], one, max_size=3).map(_in_map_order)
    return st.lists(one, max_size=3) if field.repeated else one


def _single(field: Field, depth: int) -> st.SearchStrategy[object]:
    if field.enum:
        return st.sampled_from(list(field.enum))
    cls = field.message
    if cls is None:
        return _SCALARS[field.proto_type]
    if cls in _PLAIN:
        return _PLAIN[cls]
    if cls.__module__.endswith("google.protobuf") and cls not in {Empty, ListValue, Value}:
        return _SCALARS[next(iter(fields_of(cls))).proto_type]  # a wrapper: its plain value
    return contents(cls, depth - 1)


def as_original(content: Content) -> betterproto2.Message:
    """Build the content by envoy-data-plane's own class."""
    return _message(
        content,
        construct=lambda cls, values: cls(**values),
        json=Struct.from_dict,
        packed=lambda any_: AnyMessage(type_url=any_.type_url, value=any_.body),
    )


def as_twin(content: Content) -> betterproto2.Message:
    """Build the content by a twin, as a message of the C runtime."""
    return _message(
        content,
        construct=lambda cls, values: twin(cls)(**values),
        json=struct,
        packed=lambda any_: pack_bytes(any_.type_url, any_.body),
    )


def _message(
    content: Content,
    construct: Callable[[Schema, Mapping[str, Any]], betterproto2.Message],
    json: Callable[[dict[str, Any]], betterproto2.Message],
    packed: Callable[[Packed], betterproto2.Message],
) -> betterproto2.Message:
    def value_of(drawn: object) -> object:
        match drawn:
            case Content(cls, values):
                return construct(cls, {key: value_of(value) for key, value in values.items()})
            case Json(values):
                return json(values)
            case Packed():
                return packed(drawn)
            case list():
                return [value_of(value) for value in drawn]
            case dict():
                return {key: value_of(value) for key, value in drawn.items()}
            case _:
                return drawn

    return construct(content.cls, {key: value_of(value) for key, value in content.values.items()})


def in_field_order(cls: Schema, body: bytes) -> bytes:
    """Sort the fields of every message in encoded bytes by their numbers.

    envoy-data-plane writes fields in the order of the proto file, which can differ.
    """
    fields = {field.number: field for field in fields_of(cls)}
    ordered = bytearray()
    for parsed in sorted(betterproto2.parse_fields(body), key=lambda parsed: parsed.number):
        held = fields[parsed.number].message
        if held is None:
            ordered += parsed.raw
        elif fields[parsed.number].key_type:
            entry = bytearray()
            for part in betterproto2.parse_fields(parsed.value):
                entry += _ordered_message(held, part) if part.number == 2 else part.raw
            ordered += _delimited(parsed.number, bytes(entry))
        else:
            ordered += _ordered_message(held, parsed)
    return bytes(ordered)


def _ordered_message(cls: Schema, parsed: betterproto2.ParsedField) -> bytes:
    return _delimited(parsed.number, in_field_order(cls, parsed.value))


def _delimited(number: int, body: bytes) -> bytes:
    return (
        betterproto2.encode_varint(number << 3 | 2) + betterproto2.encode_varint(len(body)) + body
    )
