"""The annotation `proxy-body-size`: the largest body of a request."""

import re
from collections.abc import Mapping
from typing import Final

from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import Found, Reader, Unusable, shared
from translators.model.policy import Policy
from translators.policies.body_size import BodySize

SIZE: Final = shared(
    "proxy-body-size",
    "the largest body of a request, such as `512k`, `8m` or `1g`; a larger one gets 413; `0` is no "
    "limit",
    default="no limit",
    differs="without it there is no limit; NGINX has `1m` then",
    example="8m",
)

_SIZE: Final = re.compile(r"([0-9]{1,15})([kmgKMG]?)")

_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}

_LARGEST: Final = 2**50


def parse(reader: Reader) -> Found[Policy] | None:
    """Read the size; None if there is no limit."""
    found = reader.find(SIZE, _bytes, "bodies of every size are accepted")
    if found is None or not found.value:
        return None
    return Found(found.spelling, found.text, BodySize(found.value))


def _bytes(text: str) -> int:
    if found := _SIZE.fullmatch(text):
        size = int(found[1]) * _UNITS[found[2].lower()]
        if size <= _LARGEST:
            return size
    raise Unusable("a number of bytes, or one with k, m or g behind it, such as 8m")


FEATURE: Final = policy_feature("Size of a body", (SIZE,), parse)
