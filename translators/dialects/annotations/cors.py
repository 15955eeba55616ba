"""The annotations `enable-cors` and `cors-*`: pages of other origins that may read answers."""

import re
from typing import Final

import re2

from translators.dialects.annotations.feature import Feature, policy_feature
from translators.dialects.annotations.reader import Found, Key, Reader, Spell, Unusable
from translators.dialects.annotations.values import boolean, integer, token
from translators.model.bounds import MAX_ORIGINS
from translators.model.conditions import Text
from translators.model.policy import Policy
from translators.policies.cors import ANY_ORIGIN, Cors

METHODS: Final = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")

HEADERS: Final = (
    *("DNT", "X-CustomHeader", "Keep-Alive", "User-Agent", "X-Requested-With"),
    *("If-Modified-Since", "Cache-Control", "Content-Type", "Authorization"),
)

_MOST_NAMES: Final = 100

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,30}")

_HOST: Final = re.compile(
    r"(?:\*\.)?(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|\[[0-9a-f:.]+\]"
)

_USUAL_PORTS: Final = {"http": ":80", "https": ":443"}


def cors(spell: Spell, max_age: int) -> Feature:
    """Make the feature for a dialect, with its default of `cors-max-age` in seconds."""
    enable = spell(
        "enable-cors",
        "`true`: pages of other origins may read the answers",
        default="`false`",
        differs="a preflight is answered for allowed origins only (200), others go to the backend",
        example="true",
    )
    origins = spell(
        "cors-allow-origin",
        "origins by comma, `*` for all: `https://shop.example.com`, or "
        "`https://*.example.com` for all names below; nobody is allowed if none can be used",
        default="`*`",
        differs="with `*` an answer names the origin of its request",
        example="https://a.test, https://*.a.test",
    )
    methods = spell(
        "cors-allow-methods",
        "methods by comma",
        default="GET, PUT, POST, DELETE, PATCH, OPTIONS",
        example="GET, POST",
    )
    headers = spell(
        "cors-allow-headers",
        "request headers by comma",
        default=", ".join(HEADERS),
        example="X-Token, Content-Type",
    )
    exposed = spell(
        "cors-expose-headers", "response headers by comma that pages may read", example="X-Total"
    )
    credentials = spell(
        "cors-allow-credentials",
        "`true`: pages may send cookies and credentials",
        default="`true`",
        example="false",
    )
    age = spell(
        "cors-max-age",
        "seconds for which a browser keeps the answer to a preflight",
        default=str(max_age),
        example="600",
    )

    def parse(reader: Reader) -> Found[Policy] | None:
        """Read what pages of other origins may do; None if the Ingress does not ask for it."""
        enabled = reader.find(enable, boolean)
        if enabled is None or not enabled.value:
            return None
        found = reader.find_items(
            origins, origin, MAX_ORIGINS, "this origin is not allowed", "no origin is allowed"
        )
        if found is None and reader.has(origins):
            return None
        sent = reader.read(credentials, boolean, "credentials are allowed")
        kept = reader.read(age, integer(-1, 10**9), f"{max_age} holds")
        allowed = found.value if found else (ANY_ORIGIN,)
        policy = Cors(
            origins=alone(allowed),
            methods=_names(reader, methods, METHODS),
            headers=_names(reader, headers, HEADERS),
            exposed=_names(reader, exposed, ()),
            credentials=sent is not False,
            max_age=max_age if kept is None else kept,
        )
        return Found(enabled.spelling, enabled.text, policy)

    keys = (enable, origins, methods, headers, exposed, credentials, age)
    return policy_feature("CORS", keys, parse)


def _names(reader: Reader, key: Key, default: tuple[str, ...]) -> tuple[str, ...]:
    """Read a list of methods or header names; "*" is one of them."""
    found = reader.find_items(key, token, _MOST_NAMES, "it is left out", "the default holds")
    return found.value if found else default


def alone(origins: tuple[Text, ...]) -> tuple[Text, ...]:
    """Leave out the other origins, if every origin is among them."""
    return (ANY_ORIGIN,) if ANY_ORIGIN in origins else origins


def origin(text: str) -> Text:
    """Read an origin. Browsers write it in lower case, and without the usual port."""
    if text == "*":
        return ANY_ORIGIN
    scheme, found, rest = text.lower().partition("://")
    host, port = _split(rest)
    if not (found and _SCHEME.fullmatch(scheme) and _HOST.fullmatch(host) and port is not None):
        raise Unusable(
            "*, or scheme://host[:port] without a path, where the host may begin with *."
        )
    port = "" if port == _USUAL_PORTS.get(scheme) else port
    if host.startswith("*."):
        below = re2.escape(f"{host[1:]}{port}")
        return Text(f"{re2.escape(scheme)}://[a-z0-9_.-]*[a-z0-9_-]{below}", regex=True)
    return Text(f"{scheme}://{host}{port}")


def _split(rest: str) -> tuple[str, str | None]:
    """Split a host and its port, which is "" if there is none, and None if it is no number."""
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        return rest, ""
    is_port = re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535
    return host, f":{int(port)}" if is_port else None
