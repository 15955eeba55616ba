"""Envoy's messages on the wire: typed by envoy-data-plane, built by protobuf's C runtime.

    Cluster = twin(cluster_v3.Cluster)      # typed as cluster_v3.Cluster, checked as such
    body = encode(Cluster(name="shop", connect_timeout=timedelta(seconds=1)))

A twin takes the keywords of the class that it stands for, and gives a message of the C runtime.
Type checkers see the class, and its constructor is the contract: wrappers are plain values (False
and 0 are present, None is absent), durations are `timedelta`, oneofs are plain keywords.
The fields of a built or decoded message are those of the C runtime: wrappers and durations are
messages, an absent message reads as an empty one, enums are integers. See `has` and `xds.readable`.

Equal messages have equal bytes in every process, maps included, because versions are hashes of the
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.wrappers_pb2 import UInt64Value

from xds.conversion import conversion_of, json_message
from xds.descriptors import descriptors, full_name
from xds.prepared import Name

if TYPE_CHECKING:
    import betterproto2
    from envoy_data_plane.google.protobuf import Any as AnyMessage
    from envoy_data_plane.google.protobuf import Struct

    from xds.schema import Schema

P = ParamSpec("P")
M = TypeVar("M", bound="betterproto2.Message")

TYPE_URL_PREFIX: Final = "type.googleapis.com/"

_ANY: Final = "google.protobuf.Any"

_LENGTH_DELIMITED: Final = 2


class MalformedMessage(ValueError):
    """Bytes are not a message of the expected type."""


def twin(cls: Callable[P, M]) -> Callable[P, M]:
    """Stand in for a class of envoy-data-plane, as fast as protobuf's C runtime.

    It costs nothing until the first call, which derives the descriptors of the class and of all
    messages that it can hold. It takes keywords only. An unknown keyword and two members of one
    oneof raise ValueError, a value of a wrong type raises TypeError.
    """
    build: Callable[[dict[str, object]], Message] | None = None

    def construct(**values: object) -> Message:
        nonlocal build
        if build is None:
            build = _builder(cast("Schema | Name", cls))
        return build(values)

    construct.__wrapped__ = cls  # type: ignore[attr-defined]  # as functools.wraps has it
    return cast("Callable[P, M]", construct)


def _builder(cls: Schema | Name) -> Callable[[dict[str, object]], Message]:
    message = descriptors().message(cls)
    fields = cast("Sequence[FieldDescriptor]", message.DESCRIPTOR.fields)
    together = [[f.name for f in oneof.fields] for oneof in message.DESCRIPTOR.oneofs]
    groups = [frozenset(names) for names in together if len(names) > 1]
    conversions = {f.name: convert for f in fields if (convert := conversion_of(f)) is not None}
    name = cls.__name__

    def build(values: dict[str, object]) -> Message:
        for group in groups:
            if len(group & values.keys()) > 1:
                given = [key for key in sorted(group) if values.get(key) is not None]
                if len(given) > 1:
                    raise ValueError(f"{name} takes only one of {', '.join(given)}")
        for key in conversions.keys() & values.keys():
            if (value := values[key]) is not None:
                values[key] = conversions[key](value)
        return message(**values)

    return build


def struct(values: Mapping[str, object]) -> Struct:
    """A Struct of plain JSON values. Raises ParseError for any other value."""
    return cast("Struct", json_message(descriptors().named("google.protobuf.Struct"), dict(values)))


def pack(message: betterproto2.Message) -> AnyMessage:
    """Put a twin's message into an Any with its full type URL. An Any stays as it is."""
    built = cast("Message", message)
    if full_name(built) == _ANY:
        return cast("AnyMessage", message)
    body = built.SerializeToString(deterministic=True)
    return pack_bytes(TYPE_URL_PREFIX + full_name(built), body)


def pack_bytes(type_url: str, body: bytes) -> AnyMessage:
    """Put an encoded message into an Any."""
    made = descriptors().named("google.protobuf.Any")(type_url=type_url, value=body)
    return cast("AnyMessage", made)


def uint64_value(value: int) -> bytes:
    """Encode a UInt64Value, which messages that envoy-data-plane lacks have as a field."""
    made: bytes = UInt64Value(value=value).SerializeToString()
    return made


def encode(message: betterproto2.Message) -> bytes:
    """Encode a twin's message: fields ordered by their numbers, maps by their keys.

    A text key precedes any shorter key that it begins with: that is the C runtime's order.
    """
    return cast("Message", message).SerializeToString(deterministic=True)


def decode(cls: type[M], body: bytes) -> M:
    """Read a message; unknown fields do no harm. Raises MalformedMessage."""
    try:
        return cast("M", descriptors().message(cls).FromString(body))
    except DecodeError as error:
        raise MalformedMessage(f"not a {cls.__name__}: {error}") from error


def has(message: betterproto2.Message, field: str) -> bool:
    """Whether a twin's message holds this message field, wrapper or member of a oneof."""
    return cast("Message", message).HasField(field)


def field(number: int, body: bytes) -> bytes:
    """One encoded message as a field of another."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(body)) + body


def splice(head: bytes, field_number: int, bodies: Iterable[bytes], tail: bytes = b"") -> bytes:
    """Join encoded messages into a field of another one, between encoded parts of that one.

    A protobuf message is the concatenation of its fields, so parts that did not change need not be
    encoded again. The bytes are those of `encode` if `head` holds the lower field numbers and
    `tail` the higher ones.
    """
    key = _varint(field_number << 3 | _LENGTH_DELIMITED)
    parts = [head]
    for body in bodies:
        parts += (key, _varint(len(body)), body)
    parts.append(tail)
    return b"".join(parts)


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
