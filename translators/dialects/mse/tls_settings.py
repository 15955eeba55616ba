"""The annotations for the TLS of a host: versions, and ciphers for TLS up to 1.2."""

from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Key, Reader, Unusable, own, shared
from translators.dialects.mse.ciphers import find_ciphers
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
        find_ciphers(reader, key, _without_list(reader, other))
        for key, other in ((CIPHERS, CIPHER), (CIPHER, CIPHERS))
    ]
    if found := next(filter(None, lists), None):
        wanted.policies.append(Declared(Ciphers(found.value), found.spelling, found.text))


def _without_list(reader: Reader, other: Key) -> str:
    if reader.has(other):
        return f"{other.name} counts instead, if it can be used"
    return "the usual ciphers hold"


VERSIONS_FEATURE: Final = Feature("TLS versions", (MINIMUM, MAXIMUM), _versions)

CIPHERS_FEATURE: Final = Feature("TLS ciphers", (CIPHER, CIPHERS), _ciphers)
