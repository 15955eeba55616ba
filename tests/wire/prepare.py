"""The program behind `make schema`, which writes the prepared descriptors."""

from pathlib import Path
from typing import Final

import betterproto2

from tests.wire.types_in_use import TYPES
from xds.descriptors import WELL_KNOWN_FILES
from xds.prepared import FILE
from xds.schema import closure, describe_enum, describe_file, fields_of

PLACE: Final = Path(__file__).parents[2] / "xds" / FILE


def prepared() -> bytes:
    """Return the descriptors of all types in use, and of all types in their fields."""
    file = describe_file(TYPES, [each.name for each in WELL_KNOWN_FILES])
    assert file is not None
    messages = {cls for each in TYPES for _, cls in closure(each)}
    found: set[type[betterproto2.Enum]] = {
        field.enum for cls in messages for field in fields_of(cls) if field.enum
    }
    file.message_type.extend(map(describe_enum, found))
    file.name = "prepared"
    file.message_type.sort(key=lambda message: message.name)
    return file.SerializeToString(deterministic=True)


if __name__ == "__main__":
    PLACE.write_bytes(prepared())
