"""Encoded messages as people read them: protobuf's canonical JSON with Envoy's field names.

The names are those of Envoy's documentation and config_dump (snake_case). Enums are shown by name,
durations as `0.250s`, and the content of an Any after its `@type`. Fields are in the order of their
numbers and maps in the order of their keys, so equal bytes read equal.
"""

import math
import struct
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

import betterproto2
from google.protobuf.any_pb2 import Any as BuiltAny
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from xds.message_names import WELL_KNOWN
from xds.schema import Field, Schema, UnknownType, class_of, fields_of, proto_name
from xds.wire import decode

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_ANY: Final = WELL_KNOWN + "Any"
_WIDE: Final = frozenset({"int64", "uint64", "sint64", "fixed64", "sfixed64"})


def readable(type_url: str, body: bytes) -> dict[str, Json]:
    """A message as canonical JSON. Raises UnknownType or MalformedMessage.

    An Any inside it whose type is not known is shown as its bytes, in base64 under `value`.
    """
    message = cast("Message", decode_type(type_url, body))
    return _message(class_of(type_url), message)


def decode_type(type_url: str, body: bytes) -> betterproto2.Message:
    """Read a message by its type URL. Raises UnknownType or MalformedMessage."""
    return decode(class_of(type_url), body)


def _message(cls: Schema, message: Message) -> dict[str, Json]:
    fields = {field.number: field for field in fields_of(cls)}
    present = ((fields[descriptor.number], value) for descriptor, value in message.ListFields())
    return {field.name: _field(field, value) for field, value in present}


def _field(field: Field, value: object) -> Json:
    if field.key_type is not None:
        entries = cast("Mapping[str | int | bool, object]", value).items()
        return {_key(key): _single(field, held) for key, held in sorted(entries)}
    if field.repeated:
        return [_single(field, held) for held in cast("Sequence[object]", value)]
    return _single(field, value)


def _key(key: str | int | bool) -> str:  # noqa: FBT001 (a map's key)
    return str(key).lower() if isinstance(key, bool) else str(key)


def _single(field: Field, value: object) -> Json:
    if field.message is not None:
        return _held(field.message, cast("Message", value))
    if field.enum is not None:
        return _enum(field, cast("int", value))
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, float):
        return _float(value, single_precision=field.proto_type == "float")
    return str(value) if field.proto_type in _WIDE else cast("Json", value)


def _held(cls: Schema, message: Message) -> Json:
    name = proto_name(cls)
    if name == _ANY:
        return _any(cast("BuiltAny", message))
    if name.startswith(WELL_KNOWN):
        # A wrapper becomes a plain value and a duration a text, not the dict of the signature.
        return _in_order(cast("Json", MessageToDict(message)))
    return dict(_message(cls, message))


def _in_order(value: Json) -> Json:
    """Sort the keys of a Struct: as in every map of the C runtime, their order is by chance."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def _any(holder: BuiltAny) -> Json:
    try:
        cls = class_of(holder.type_url)
        message = cast("Message", decode_type(holder.type_url, holder.value))
    except (UnknownType, ValueError):
        return {"@type": holder.type_url, "value": b64encode(holder.value).decode()}
    shown = _held(cls, message)
    if proto_name(cls).startswith(WELL_KNOWN):
        return {"@type": holder.type_url, "value": shown}
    return {"@type": holder.type_url, **cast("dict[str, Json]", shown)}


def _enum(field: Field, number: int) -> Json:
    """The name in Envoy's API; a number without a name stays a number."""
    if field.enum is None or number not in field.enum.__members__.values():
        return number
    member = field.enum(number)
    return member.proto_name or member.name


def _float(value: float, *, single_precision: bool) -> Json:
    """A number that reads back as the same one. JSON has no infinities, so they become texts."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if not single_precision:
        return value
    rounded = (float(f"{value:.{digits}g}") for digits in range(6, 10))
    return next(
        short for short in rounded if struct.unpack("f", struct.pack("f", short))[0] == value
    )
