"""Values of query parameters, in the spellings that clients send them in.

Nothing decodes a query before a condition is compared with it.
"""

from functools import cache

import re2


def as_sent(value: str) -> str:
    """Return a regex for a text in the value of a query parameter, in all spellings of clients."""
    return "".join(map(_spellings, value.encode()))


@cache
def _spellings(byte: int) -> str:
    """Return a regex for a byte: plain if a request can contain it, encoded if clients do so."""
    character = chr(byte)
    plain: str = re2.escape("+" if character == " " else character)
    if character.isascii() and (character.isalnum() or character in "-._"):
        return plain
    encoded = "%" + "".join(d if d.isdigit() else f"[{d}{d.lower()}]" for d in f"{byte:02X}")
    if not character.isascii():
        return encoded
    return f"(?:{plain}|{encoded})"
