"""envoy-data-plane's classes, read into descriptors for protobuf's C runtime.

Every class carries names, numbers and types as metadata, and a descriptor needs nothing else.
The descriptors differ from Envoy's in two points that cannot be seen on the wire: enums are plain
int32, and messages have flat names (`envoy_config_cluster_v3_Cluster`), because a file of
descriptors has one package, and the messages that a class can hold have many. Scalars with proto3's
`optional` are not supported: Envoy's API has wrappers instead, and a test checks that.

Importing this module and the classes takes long (see `xds.prepared`), so it is imported only where
a class is needed.
"""

import dataclasses
import typing
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import NoneType
from typing import Final

import betterproto2
from betterproto2 import FieldMetadata
from envoy_data_plane.message_pool import default_message_pool
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from xds.message_names import WELL_KNOWN, flat

TYPE_URL_PREFIX: Final = "type.googleapis.com/"

_SCALARS: Final[dict[str, FieldDescriptorProto.Type.ValueType]] = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "enum": FieldDescriptorProto.TYPE_INT32,
    "fixed32": FieldDescriptorProto.TYPE_FIXED32,
    "fixed64": FieldDescriptorProto.TYPE_FIXED64,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "sfixed32": FieldDescriptorProto.TYPE_SFIXED32,
    "sfixed64": FieldDescriptorProto.TYPE_SFIXED64,
    "sint32": FieldDescriptorProto.TYPE_SINT32,
    "sint64": FieldDescriptorProto.TYPE_SINT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}

Schema: typing.TypeAlias = type[betterproto2.Message]


class UnknownType(LookupError):
    """No class of envoy-data-plane has this type URL."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a class.

    `proto_type` and `held` are those of the values if the field is a map, and `key_type` is then
    the proto type of the keys. `held` is the class of the message (of the wrapper, if the class
    shows a plain value), the enum, or the plain Python type. `oneof` names the group of the field.
    """

    name: str
    number: int
    proto_type: str
    held: type
    repeated: bool
    oneof: str | None
    key_type: str | None = None

    @property
    def message(self) -> Schema | None:
        """The class of the message in this field, if it holds messages."""
        return self.held if issubclass(self.held, betterproto2.Message) else None

    @property
    def enum(self) -> type[betterproto2.Enum] | None:
        """The enum in this field, if it holds enum values."""
        return self.held if issubclass(self.held, betterproto2.Enum) else None


@cache
def fields_of(cls: Schema) -> tuple[Field, ...]:
    """The fields of a class in the order of their numbers."""
    # Annotations are resolved once: cls._betterproto resolves all of them for each field.
    hints = typing.get_type_hints(cls)
    found = (
        _field(field.name, FieldMetadata.get(field), hints[field.name])
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]  # each class is a dataclass
    )
    return tuple(sorted(found, key=lambda field: field.number))


def _field(name: str, meta: FieldMetadata, hint: object) -> Field:
    value, key_type = meta, None
    if meta.map_meta is not None:
        key, value = meta.map_meta
        key_type = key.proto_type
    return Field(
        name=name.rstrip("_"),
        number=meta.number,
        proto_type=value.proto_type,
        held=value.unwrap() if value.unwrap else _innermost(hint),
        repeated=bool(meta.repeated),
        oneof=meta.group,
        key_type=key_type,
    )


def _innermost(hint: object) -> type:
    """The type X of `X | None`, `list[X]` and `dict[K, X]`."""
    while arguments := [a for a in typing.get_args(hint) if a is not NoneType]:
        hint = arguments[-1]
    if not isinstance(hint, type):
        raise TypeError(f"{hint!r} is not the type of a field")
    return hint


def type_url_of(cls: Schema) -> str:
    """The type URL of a class; nested messages have their proto name (`Cluster.RefreshRate`)."""
    return default_message_pool.type_to_url[cls]


def class_of(type_url: str) -> Schema:
    """The class with this type URL, imported if necessary. Raises UnknownType."""
    if type_url not in default_message_pool.url_to_type:
        package = type_url.removeprefix(TYPE_URL_PREFIX)
        while not package.rpartition(".")[2][:1].islower() and package:  # Message.Nested
            package = package.rpartition(".")[0]
        try:
            import_module(f"envoy_data_plane.{package}")
        except ImportError:
            raise UnknownType(f"{type_url!r} is not a type of Envoy's API") from None
    try:
        return default_message_pool.url_to_type[type_url]
    except KeyError:
        raise UnknownType(f"{type_url!r} is not a type of Envoy's API") from None


def proto_name(cls: Schema) -> str:
    """The full name of the message in Envoy's API."""
    return type_url_of(cls).removeprefix(TYPE_URL_PREFIX)


def flat_name(cls: Schema) -> str:
    """The name of the message for the C runtime."""
    name = proto_name(cls)
    return name if name.startswith(WELL_KNOWN) else flat(name)


def closure(cls: Schema) -> Iterator[tuple[str, Schema]]:
    """This class and all classes that its messages can hold. The content of an Any is bytes."""
    waiting, seen = [cls], {cls}
    while waiting:
        current = waiting.pop()
        yield flat_name(current), current
        for field in fields_of(current):
            held = field.message
            if held and held not in seen and not flat_name(held).startswith(WELL_KNOWN):
                seen.add(held)
                waiting.append(held)


def describe(name: str, cls: Schema) -> DescriptorProto:
    """The descriptor of a class under a flat name, without those of the messages in its fields."""
    message = DescriptorProto(name=name)
    fields = fields_of(cls)
    groups = list(dict.fromkeys(field.oneof for field in fields if field.oneof))
    for group in groups:
        message.oneof_decl.add(name=group)
    for field in fields:
        described = message.field.add(name=field.name, number=field.number)
        if field.key_type:
            described.label = FieldDescriptorProto.LABEL_REPEATED
            described.type = FieldDescriptorProto.TYPE_MESSAGE
            described.type_name = _describe_entry(message, field)
            continue
        repeated = FieldDescriptorProto.LABEL_REPEATED
        described.label = repeated if field.repeated else FieldDescriptorProto.LABEL_OPTIONAL
        _set_type(described, field)
        if field.oneof:
            described.oneof_index = groups.index(field.oneof)
    return message


def _describe_entry(message: DescriptorProto, field: Field) -> str:
    """Add the entry message of a map; gives its name."""
    name = "".join(map(str.capitalize, field.name.split("_"))) + "Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    optional = FieldDescriptorProto.LABEL_OPTIONAL
    entry.field.add(name="key", number=1, label=optional, type=_SCALARS[field.key_type or ""])
    _set_type(entry.field.add(name="value", number=2, label=optional), field)
    return f".{message.name}.{name}"


def _set_type(described: FieldDescriptorProto, field: Field) -> None:
    if held := field.message:
        described.type = FieldDescriptorProto.TYPE_MESSAGE
        described.type_name = f".{flat_name(held)}"
    else:
        described.type = _SCALARS[field.proto_type]


def oneofs(fields: Iterable[Field]) -> tuple[frozenset[str], ...]:
    """The groups of fields that exclude each other, by name."""
    groups: dict[str, set[str]] = {}
    for field in fields:
        if field.oneof:
            groups.setdefault(field.oneof, set()).add(field.name)
    return tuple(frozenset(names) for names in groups.values() if len(names) > 1)


def describe_file(
    classes: Iterable[Schema], files: Iterable[str], known: Container[str] = ()
) -> FileDescriptorProto | None:
    """A file of classes and of all classes that they can hold, without those that are `known`.

    `files` are those that it depends on. None if no class is left.
    """
    first, *_ = classes = list(classes)
    new = {name: found for cls in classes for name, found in closure(cls) if name not in known}
    if not new:
        return None
    return FileDescriptorProto(
        name=f"{flat_name(first)}.proto",
        syntax="proto3",
        dependency=files,
        message_type=[describe(name, found) for name, found in new.items()],
    )


def describe_enum(cls: type[betterproto2.Enum]) -> DescriptorProto:
    """A message that holds an enum, because the values of a file's enums must not share names."""
    package = cls.__module__.removeprefix("envoy_data_plane.")
    message = DescriptorProto(name=flat(f"{package}.{cls.__name__}"))
    values = message.enum_type.add(name="Values")
    members = sorted(cls.__members__.items(), key=lambda member: (member[1] != 0, member[1]))
    for name, number in members:
        values.value.add(name=name, number=number)
    values.options.allow_alias = len({number for _, number in members}) < len(members)
    return message
