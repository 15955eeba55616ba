"""The annotations `proxy-ssl-*`: TLS towards the Service of an Ingress.

They have an effect only where backends are asked by HTTPS or GRPCS. The Secret is one of the
Ingress's own namespace, so that nobody uses the key of somebody else.
"""

import re
from typing import Final

from translators.dialects.annotations.feature import policy_feature
from translators.dialects.annotations.reader import Found, Reader, Unusable, shared
from translators.dialects.annotations.values import integer, on_or_off
from translators.dialects.mse.ciphers import find_ciphers
from translators.dialects.named_secrets import own_secret
from translators.model.policy import Policy
from translators.model.tls import TlsVersion
from translators.policies.backend_tls import BackendTls

SECRET: Final = shared(
    "proxy-ssl-secret",
    "Secret of the Ingress's namespace with the certificate that backends see (`tls.crt`, "
    "`tls.key`), and with the authorities of theirs (`ca.crt`)",
    differs="only a Secret of the Ingress's own namespace",
    example="good",
)

NAME: Final = shared(
    "proxy-ssl-name",
    "the name that the certificate of a backend must have, where it is verified",
    example="web.test",
)

SERVER_NAME: Final = shared(
    "proxy-ssl-server-name",
    "`on`: `proxy-ssl-name` is sent in the handshake (SNI), or else the Host of the request",
    default="`off`",
    example="on",
)

VERIFY: Final = shared(
    "proxy-ssl-verify",
    "`on`: the certificate of a backend must come from the authorities of `proxy-ssl-secret`; "
    "without these requests are answered with 503",
    default="`off`",
    example="on",
)

DEPTH: Final = shared(
    "proxy-ssl-verify-depth",
    "the most certificates between that of a backend and its authority",
    default="1",
    example="2",
)

PROTOCOLS: Final = shared(
    "proxy-ssl-protocols",
    "versions of TLS towards backends, `TLSv1` to `TLSv1.3`, with blanks between them; those "
    "between the lowest and the highest are used",
    default="TLSv1.2 TLSv1.3",
    example="TLSv1.2 TLSv1.3",
)

CIPHERS: Final = shared(
    "proxy-ssl-ciphers",
    "ciphers for TLS up to 1.2 towards backends, with `:` between them",
    default="those of Envoy",
    differs="names of ciphers only, no classes such as `HIGH`",
    example="ECDHE-RSA-AES128-GCM-SHA256",
)

_KEYS: Final = (SECRET, NAME, SERVER_NAME, VERIFY, DEPTH, PROTOCOLS, CIPHERS)

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

_VERSIONS: Final = {
    "TLSv1": TlsVersion.V1_0,
    "TLSv1.1": TlsVersion.V1_1,
    "TLSv1.2": TlsVersion.V1_2,
    "TLSv1.3": TlsVersion.V1_3,
}

_BACKWARD: Final = frozenset({"SSLv2", "SSLv3"})
"""Versions that lists name by habit, and that Envoy does not have."""


def parse(reader: Reader) -> Found[Policy] | None:
    """Read the annotations; None if none of them can be used."""
    found = (
        named := reader.find(SECRET, own_secret(reader.namespace), "backends get no certificate"),
        name := reader.find(NAME, _name, "no name is asked for"),
        sends := reader.find(SERVER_NAME, on_or_off, "no name is sent"),
        verify := reader.find(VERIFY, on_or_off, "certificates are not verified"),
        depth := reader.find(DEPTH, integer(0, 100), "1 holds"),
        versions := reader.find(PROTOCOLS, _versions),
        ciphers := find_ciphers(reader, CIPHERS),
    )
    first = next((each for each in found if each is not None), None)
    if first is None:
        return None
    policy = BackendTls(
        named.value if named else None,
        name.value if name else "",
        bool(sends and sends.value),
        bool(verify and verify.value),
        depth.value if depth else None,
        versions.value if versions else None,
        ciphers.value if ciphers else (),
    )
    return None if policy == BackendTls() else Found(first.spelling, first.text, policy)


def _name(text: str) -> str:
    if _HOST.fullmatch(text):
        return text
    raise Unusable("a name such as shop.example.com")


def _versions(text: str) -> tuple[TlsVersion, TlsVersion]:
    words = frozenset(text.split()) - _BACKWARD
    if not words or not words <= _VERSIONS.keys():
        raise Unusable(f"versions among {', '.join(_VERSIONS)}, with blanks between them")
    ordered = [version for word, version in _VERSIONS.items() if word in words]
    return ordered[0], ordered[-1]


FEATURE: Final = policy_feature("TLS to backends", _KEYS, parse)
