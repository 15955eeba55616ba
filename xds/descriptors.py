"""The messages of protobuf's C runtime, one for each message of Envoy's API that is in use.

envoy-data-plane tracks Envoy's API and is typed, but building and encoding its messages takes
milliseconds. The C runtime takes microseconds, and needs a descriptor of each message. Descriptors
of the messages that fleetgate uses are prepared (`xds.prepared`). Any other descriptor is derived
from its class (`xds.schema`) when it is first asked for, with those of all messages in its fields.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final

from google.protobuf import (
    any_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message

from xds.message_names import WELL_KNOWN, full
from xds.prepared import Name, prepared

if TYPE_CHECKING:
    from xds.schema import Schema

WELL_KNOWN_FILES: Final = (
    any_pb2.DESCRIPTOR,
    duration_pb2.DESCRIPTOR,
    empty_pb2.DESCRIPTOR,
    field_mask_pb2.DESCRIPTOR,
    struct_pb2.DESCRIPTOR,
    timestamp_pb2.DESCRIPTOR,
    wrappers_pb2.DESCRIPTOR,
)


class Descriptors:
    """The messages of the C runtime, by the names or the classes that stand for them."""

    def __init__(self, first: FileDescriptorProto | None = None) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        self._files = [file.name for file in WELL_KNOWN_FILES]
        for file in WELL_KNOWN_FILES:
            self._pool.AddSerializedFile(file.serialized_pb)
        self._known: set[str] = set()
        self._messages: dict[Schema | Name, type[Message]] = {}
        self._lock = Lock()
        if first is not None and first.message_type:
            self._add(first)

    def message(self, what: Schema | Name) -> type[Message]:
        """The C runtime's message. One that is not prepared is derived at the first call."""
        found = self._messages.get(what)
        if found is None:
            if isinstance(what, Name):
                found = self.named(what.flat) if what.flat else self._derived(what.schema)
            else:
                found = self._derived(what)
            self._messages[what] = found
        return found

    def named(self, name: str) -> type[Message]:
        """A message that is prepared or derived, or one of protobuf's own. Raises KeyError."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))

    def _derived(self, cls: Schema) -> type[Message]:
        from xds import schema  # noqa: PLC0415 (slow; needed for derived messages only)

        name = schema.flat_name(cls)
        if not name.startswith(WELL_KNOWN) and name not in self._known:
            with self._lock:
                self._derive(cls)
        return self.named(name)

    def _derive(self, cls: Schema) -> None:
        from xds import schema  # noqa: PLC0415 (as above)

        if file := schema.describe_file([cls], self._files, self._known):
            self._add(file)

    def _add(self, file: FileDescriptorProto) -> None:
        self._pool.AddSerializedFile(file.SerializeToString())
        self._files.append(file.name)
        self._known |= {message.name for message in file.message_type}


def full_name(message: Message) -> str:
    """The name of a message's type in Envoy's API, or among protobuf's own."""
    name = message.DESCRIPTOR.full_name
    return name if name.startswith(WELL_KNOWN) else full(name)


@cache
def descriptors() -> Descriptors:
    """The descriptors of the process. They follow from the classes, so all callers share them."""
    return Descriptors(prepared().file)
