"""The number and size of a gateway's Envoys are read, in the way that all dialects share."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from translators.model.shapes import Shape, Size

Report: TypeAlias = Callable[[str, object, str, str], None]
"""A function that reports a problem: of a key, its value, what was expected, and the effect."""

MAX_REPLICAS: Final = 100
"""The bound on replicas: more than a gateway needs, and too few to overload a hub."""

_SIZE: Final = re.compile(r"([1-9][0-9]{0,2})c([1-9][0-9]{0,3})g")


def replicas_of(key: str, value: int | str | None, report: Report) -> int:
    """Read the number of Envoys; the default stands in for an unusable value."""
    if isinstance(value, int) and 1 <= value <= MAX_REPLICAS:
        return value
    default = Shape().replicas
    if value is not None:
        quoted = isinstance(value, str) and value.isdecimal()
        expected = f"an integer from 1 to {MAX_REPLICAS}{', without quotes' if quoted else ''}"
        report(key, value, expected, f"{default} Envoys run")
    return default


def size_of_envoy(key: str, value: int | str | None, report: Report) -> Size:
    """Read the size of an Envoy; the default stands in for an unusable value."""
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return Size(int(found[1]), int(found[2]))
    default = Shape().size
    if value is not None:
        expected = "the cores and the GiB of memory of an Envoy, such as 2c4g"
        report(key, value, expected, f"{default} holds")
    return default


def text_of(value: int | str | None, absent: str) -> str:
    """Return a scalar as text, and `absent` for None and for an empty text."""
    return absent if value is None or value == "" else str(value)
