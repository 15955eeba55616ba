"""The annotations that answer requests with a redirect to a URL, instead of asking a backend."""

import re
from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.dialects.annotations.values import integer
from translators.model.actions import Forward, Redirect
from translators.model.rules import Rule

TEMPORAL: Final = shared(
    "temporal-redirect",
    "an http or https URL that all requests are sent to; one without a path keeps the path and "
    "the query of the request; it beats `permanent-redirect`, and both beat `ssl-redirect`",
    differs="a URL without a path keeps the path and the query of the request",
    example="https://other.test",
)
TEMPORAL_CODE: Final = shared(
    "temporal-redirect-code", "its status, from 300 to 308", default="302", example="307"
)

PERMANENT: Final = shared(
    "permanent-redirect",
    "the same, with a status for a permanent move",
    differs="a URL without a path keeps the path and the query of the request",
    example="https://new.test/moved",
)
PERMANENT_CODE: Final = shared(
    "permanent-redirect-code", "its status, from 300 to 308", default="301", example="308"
)

_URL: Final = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://"
    r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>[/?#][\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]{0,4095})?"
)
"""A URL in ASCII as RFC 3986 has it, without a user."""

_VARIABLE: Final = re.compile(r"\$[A-Za-z_{]")

_STATUS: Final = integer(300, 308)


def url(text: str) -> Redirect:
    """Read a URL. Without a path, the path and the query of the request stay."""
    if _VARIABLE.search(text):
        raise Unusable(
            "a URL without variables of NGINX; one without a path keeps the request's path and "
            "query"
        )
    found = _URL.fullmatch(text)
    port = int(found["port"] or 0) if found else 0
    if not found or port > 65535 or (found["port"] and not port):
        raise Unusable("an http or https URL such as https://example.com/new")
    path = found["path"] or ""
    if path and not path.startswith("/"):
        path = f"/{path}"
    scheme, host = found["scheme"].lower(), found["host"].lower()
    return Redirect(0, scheme, host, port, path, keeps_query=not path)


def parse(reader: Reader) -> Redirect | None:
    """Read the redirect; None if no annotation asks for a usable one."""
    codes = {
        TEMPORAL: reader.read(TEMPORAL_CODE, _STATUS, "302 holds") or 302,
        PERMANENT: reader.read(PERMANENT_CODE, _STATUS, "301 holds") or 301,
    }
    urls = {key: reader.read(key, url, "requests are not redirected by it") for key in codes}
    for key, status in codes.items():
        if (found := urls[key]) is not None:
            return replace(found, status=status)
    return None


def _apply(rule: Rule, to: Redirect) -> Rule:
    return replace(rule, action=to) if isinstance(rule.action, Forward) else rule


FEATURE: Final = rule_feature(
    "Redirect to a URL", (TEMPORAL, TEMPORAL_CODE, PERMANENT, PERMANENT_CODE), parse, _apply
)
