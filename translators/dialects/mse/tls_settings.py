"""The annotations for the TLS of a host: versions, and ciphers for TLS up to 1.2."""

from collections.abc import Iterator
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Key, Reader, Unusable, own, shared
from translators.model.policy import Declared
from translators.model.tls import TlsVersion
from translators.policies.tls_versions import Ciphers, TlsVersions

MINIMUM: Final = own(
    "tls-min-protocol-version",
    "the lowest version of TLS that the host takes, `TLSv1.0` to `TLSv1.3`",
    default="`TLSv1.2`",
    example="TLSv1.2",
)
MAXIMUM: Final = own(
    "tls-max-protocol-version",
    "the highest version of TLS that the host takes",
    default="`TLSv1.3`",
    example="TLSv1.3",
)
CIPHER: Final = shared(
    "ssl-cipher",
    "the host's ciphers for TLS up to 1.2, the preferred one first, with `:` between them; "
    "unknown ones are left out",
    default="those of Envoy",
    differs="names of ciphers only, no classes such as `HIGH`",
    example="ECDHE-RSA-AES128-GCM-SHA256",
)
CIPHERS: Final = shared(
    "ssl-ciphers",
    "the same as `ssl-cipher`, in the spelling of NGINX Ingress",
    default="those of Envoy",
    differs="names of ciphers only, no classes such as `HIGH`",
    example="ECDHE-RSA-AES128-GCM-SHA256",
)

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

_MOST_NAMED: Final = 3


def _versions(reader: Reader, wanted: Wanted) -> None:
    low = reader.find(MINIMUM, _version, "TLSv1.2 holds")
    high = reader.find(MAXIMUM, _version, "TLSv1.3 holds")
    if low and high and low.value > high.value:
        expected = f"a version from {low.value}, which {low.spelling} asks for"
        reader.note(high, "InvalidAnnotation", expected, "TLSv1.3 holds")
        high = None
    if found := low or high:
        maximum = high.value if high else TlsVersion.V1_3
        minimum = low.value if low else min(TlsVersion.V1_2, maximum)
        declared = Declared(TlsVersions(minimum, maximum), found.spelling, found.text)
        wanted.policies.append(declared)


def _version(text: str) -> TlsVersion:
    try:
        return TlsVersion(text)
    except ValueError:
        raise Unusable(f"one of {', '.join(TlsVersion)}") from None


def _ciphers(reader: Reader, wanted: Wanted) -> None:
    lists = [
        reader.find(key, _listed, _without_list(reader, other))
        for key, other in ((CIPHERS, CIPHER), (CIPHER, CIPHERS))
    ]
    if found := next(filter(None, lists), None):
        names, others = found.value
        if others:
            more = len(others) - _MOST_NAMED
            named = ", ".join(others[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            expected = f"ciphers that Envoy has, not {named}"
            reader.note(found, "InvalidAnnotation", expected, "these are left out")
        wanted.policies.append(Declared(Ciphers(names), found.spelling, found.text))


def _without_list(reader: Reader, other: Key) -> str:
    if reader.has(other):
        return f"{other.name} counts instead, if it can be used"
    return "the usual ciphers hold"


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


VERSIONS_FEATURE: Final = Feature("TLS versions", (MINIMUM, MAXIMUM), _versions)

CIPHERS_FEATURE: Final = Feature("TLS ciphers", (CIPHER, CIPHERS), _ciphers)
