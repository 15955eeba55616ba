"""Plain Python values, as envoy-data-plane's constructors take them, for the C runtime.

The C runtime takes most of them as they are. It does not take values of wrappers, JSON for Struct,
ListValue and Value, and durations and timestamps inside lists and maps.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, SupportsBytes, TypeAlias, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from xds.descriptors import descriptors
from xds.message_names import WELL_KNOWN

Convert: TypeAlias = Callable[[object], object]

_JSON: Final = frozenset({"Struct", "ListValue", "Value"})
_TIMES: Final = frozenset({"Duration", "Timestamp"})


def conversion_of(field: FieldDescriptor) -> Convert | None:
    """The conversion of a field's values for the C runtime; None if it takes them as they are."""
    held = field.message_type
    if held is None:
        return None
    if held.GetOptions().map_entry:
        single = _single(held.fields_by_name["value"], in_collection=True)
        return _of_values(single) if single else None
    single = _single(field, in_collection=field.is_repeated)
    return _of_items(single) if single and field.is_repeated else single


def _of_values(single: Convert) -> Convert:
    return lambda values: {
        key: single(value) for key, value in cast("Mapping[object, object]", values).items()
    }


def _of_items(single: Convert) -> Convert:
    return lambda values: [single(value) for value in cast("Iterable[object]", values)]


def _single(field: FieldDescriptor, *, in_collection: bool) -> Convert | None:
    held = field.message_type
    if held is None or not held.full_name.startswith(WELL_KNOWN):
        return None
    built = descriptors().named(held.full_name)
    if held.name in _JSON:
        return lambda value: value if isinstance(value, Message) else json_message(built, value)
    if held.name in _TIMES:
        return (lambda value: _time(built, value)) if in_collection else None
    if held.name.endswith("Value"):
        return lambda value: built(value=value)
    return None


def _time(built: type[Message], value: object) -> Message:
    made = built()
    if hasattr(made, "FromTimedelta"):
        cast("Duration", made).FromTimedelta(value)  # type: ignore[arg-type]  # it checks
    else:
        cast("Timestamp", made).FromDatetime(value)  # type: ignore[arg-type]  # it checks
    return made


def json_message(built: type[Message], value: object) -> Message:
    """A Struct, ListValue or Value of JSON or of envoy-data-plane's message. Raises ParseError."""
    if hasattr(value, "__bytes__"):  # a message of envoy-data-plane; no JSON value has it
        return built.FromString(bytes(cast("SupportsBytes", value)))
    return ParseDict(value, built())  # type: ignore[arg-type]  # a Value is read from any JSON
