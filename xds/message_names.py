"""Names of messages for protobuf's C runtime: one flat file holds messages of many packages."""

import re
from typing import Final

WELL_KNOWN: Final = "google.protobuf."
"""Protobuf's own package, whose messages keep their names."""

_PART: Final = re.compile("__|_")


def flat(name: str) -> str:
    """The name of a message of Envoy's API among all others of its file, which has no packages."""
    return name.replace("_", "__").replace(".", "_")


def full(flat_name: str) -> str:
    """The name of the message in Envoy's API."""
    return _PART.sub(lambda part: "_" if part[0] == "__" else ".", flat_name)
