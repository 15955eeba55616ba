"""Plain Python values, as envoy-data-plane's constructors take them, for the C runtime.

The C runtime takes most of them as they are. What it does not: values of wrappers, JSON for Struct
and its kin, durations and timestamps inside lists and maps.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, cast

import betterproto2
from envoy_data_plane.google.protobuf import Duration, ListValue, Struct, Timestamp, Value
from google.protobuf.duration_pb2 import Duration as BuiltDuration
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp as BuiltTimestamp

from xds.descriptors import WELL_KNOWN, Field, descriptors, proto_name

Convert: TypeAlias = Callable[[object], object]

_JSON: Final = (Struct, ListValue, Value)
_TIMES: Final = (Duration, Timestamp)


def conversion_of(field: Field) -> Convert | None:
    """How the values of a field become the C runtime's; None where they already are."""
    single = _single(field)
    if single is None:
        return None
    if field.key_type is not None:
        return lambda values: {
            key: single(value) for key, value in cast("Mapping[object, object]", values).items()
        }
    if field.repeated:
        return lambda values: [single(value) for value in cast("Iterable[object]", values)]
    return single


def _single(field: Field) -> Convert | None:
    cls = field.message
    if cls is None or not proto_name(cls).startswith(WELL_KNOWN):
        return None
    built = descriptors().message(cls)
    if issubclass(cls, _JSON):
        return lambda value: value if isinstance(value, Message) else json_message(built, value)
    if issubclass(cls, _TIMES):
        in_collection = field.repeated or field.key_type is not None
        return (lambda value: _time(built, value)) if in_collection else None
    if cls.__name__.endswith("Value"):
        return lambda value: built(value=value)
    return None


def _time(built: type[Message], value: object) -> Message:
    made = built()
    if hasattr(made, "FromTimedelta"):
        cast("BuiltDuration", made).FromTimedelta(value)  # type: ignore[arg-type]  # it checks
    else:
        cast("BuiltTimestamp", made).FromDatetime(value)  # type: ignore[arg-type]  # it checks
    return made


def json_message(built: type[Message], value: object) -> Message:
    """A Struct, ListValue or Value of JSON or of envoy-data-plane's message. Raises ParseError."""
    if isinstance(value, betterproto2.Message):
        return built.FromString(bytes(value))
    return ParseDict(value, built())  # type: ignore[arg-type]  # a Value is read from any JSON
