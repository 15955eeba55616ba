"""Strict-Transport-Security of a gateway (RFC 6797), read from an annotation of its object."""

import re
from typing import Final

from translators.dialects.annotations.reader import Unusable

HSTS: Final = "fleetgate.dev/hsts"

_MAX_AGE: Final = re.compile(r'max-age=("?)([0-9]{1,10})\1', re.IGNORECASE)

_FLAGS: Final = {"includesubdomains": "includeSubDomains", "preload": "preload"}


def parse_hsts(text: str) -> str:
    """Read the value of the header, and return it in its usual spelling."""
    directives = [part.strip() for part in text.split(";")]
    ages = [found[2] for part in directives if (found := _MAX_AGE.fullmatch(part))]
    flags = [_FLAGS.get(part.lower(), "") for part in directives if not _MAX_AGE.fullmatch(part)]
    if len(ages) != 1 or "" in flags or len({*flags}) != len(flags):
        raise Unusable(
            "max-age in seconds, and at will includeSubDomains and preload, such as "
            "max-age=15724800; includeSubDomains"
        )
    return "; ".join([f"max-age={int(ages[0])}", *sorted(flags)])
