"""Lists of ciphers for TLS up to 1.2, as OpenSSL spells them: names with `:` between them."""

from collections.abc import Iterator
from typing import Final

from translators.dialects.annotations.reader import Found, Key, Reader, Unusable
from translators.dialects.tls import listed

KNOWN: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
)
"""The ciphers that Envoy's library has. It refuses a list that contains any other one."""

_CLASSES: Final = (
    *(
        "aNULL",
        "eNULL",
        "NULL",
        "EXPORT",
        "EXP",
        "LOW",
        "SSLv2",
        "MD5",
        "RC2",
        "RC4",
        "DES",
        "3DES",
    ),
    *(
        "IDEA",
        "SEED",
        "CAMELLIA",
        "ARIA",
        "PSK",
        "SRP",
        "KRB5",
        "DSS",
        "DH",
        "ADH",
        "AECDH",
        "aECDH",
    ),
    *("DHE", "EDH"),
)

_NOT_HERE: Final = frozenset(f"!{name}" for name in _CLASSES)
"""Classes that lists exclude by habit. None of the known ciphers is of such a class."""


def find_ciphers(
    reader: Reader, key: Key, without: str = "the usual ciphers hold"
) -> Found[tuple[str, ...]] | None:
    """Read the ciphers that Envoy has, and report the others; None if there is no such list.

    `without` is the effect of a list in which no cipher can be used.
    """
    found = reader.find(key, _listed, without)
    if found is None:
        return None
    names, others = found.value
    if others:
        expected = f"ciphers that Envoy has, not {listed(others)}"
        reader.note(found, "InvalidAnnotation", expected, "these are left out")
    return Found(found.spelling, found.text, names)


def _listed(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the known ciphers of a list, and its other items."""
    items = dict.fromkeys(item.strip() for item in text.split(":"))
    names = [item for item in items if item in KNOWN and f"!{item}" not in items]
    if not names:
        raise Unusable(f"ciphers such as {KNOWN[0]}, with : between them")
    return tuple(names), tuple(_unknown(items))


def _unknown(items: dict[str, None]) -> Iterator[str]:
    for item in items:
        if item and item.removeprefix("!") not in KNOWN and item not in _NOT_HERE:
            yield item[:40]
