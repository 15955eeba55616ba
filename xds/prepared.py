"""Envoy's messages without the classes that describe them.

    ahead      classes ──xds.schema──▶ prepared.binpb          `make schema`; a test holds it true
    serving    Name("envoy.config.core.v3", "Address") ──▶ the message of that name there

To import the classes of all messages in use takes 0.4 s and 40 MiB, and to derive descriptors from
them takes 0.2 s more: a third of a start. So modules import names, and type checkers see classes:

    if TYPE_CHECKING:
        from envoy_data_plane.envoy.config.core import v3 as core
    else:
        core = Package("envoy.config.core.v3")

A message that is not in the file is imported and derived when it is asked for.
"""

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from xds.message_names import full

if TYPE_CHECKING:
    from xds.schema import Schema

FILE: Final = "prepared.binpb"


class Name:
    """Stands for the class of a message, or for an enum, whose members are attributes.

    `package` and `name` are those of Python: `envoy.config.route.v3`, `RouteMatchPathSpecifier`.
    """

    def __init__(self, package: str, name: str) -> None:
        self.package = package
        self.__name__ = name

    def __getattr__(self, member: str) -> int:
        if member.startswith("_"):
            raise AttributeError(member)
        numbers = prepared().enums.get(_key(self.package, self.__name__))
        return getattr(self.schema, member) if numbers is None else numbers[member]

    @property
    def flat(self) -> str | None:
        """The name in the prepared file; None if the message is not in it."""
        return prepared().messages.get(_key(self.package, self.__name__))

    @property
    def schema(self) -> "Schema":
        """The class itself; imports its module."""
        found: Schema = getattr(import_module(f"envoy_data_plane.{self.package}"), self.__name__)
        return found


class Package:
    """Stands for a module of envoy-data-plane, such as `envoy.config.route.v3`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Name:
        if name.startswith("_"):
            raise AttributeError(name)
        found = Name(self._name, name)
        setattr(self, name, found)  # so that the next access does not come here
        return found


class Prepared:
    """What the file has by package and name: flat names of messages, and numbers of enums."""

    def __init__(self, content: bytes) -> None:
        self.file = FileDescriptorProto.FromString(content)
        self.messages: dict[str, str] = {}
        self.enums: dict[str, dict[str, int]] = {}
        for message in self.file.message_type:
            key = _key(*_split(full(message.name)))
            if message.enum_type:  # the message stands for an enum, see xds.schema.describe_enum
                values = message.enum_type[0].value
                self.enums[key] = {value.name: value.number for value in values}
            else:
                self.messages[key] = message.name


@cache
def prepared() -> Prepared:
    """The file, read once."""
    return Prepared(pkgutil.get_data("xds", FILE) or b"")


def _key(package: str, name: str) -> str:
    """A key that Envoy's and Python's names share: Python joins and capitalizes nested names."""
    return f"{package}.{name.replace('.', '').replace('_', '').lower()}"


def _split(name: str) -> tuple[str, str]:
    """Package and name of `envoy.config.route.v3.RouteMatch.PathSpecifier`."""
    parts = name.split(".")
    depth = next(i for i, part in enumerate(parts) if part[:1].isupper())
    return ".".join(parts[:depth]), ".".join(parts[depth:])
