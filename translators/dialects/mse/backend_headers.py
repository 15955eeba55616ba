"""Annotations of NGINX that set one header of requests to backends."""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.dialects.annotations.values import printable
from translators.model.rules import Rule
from translators.policies.headers import RequestHeader

PREFIX: Final = shared(
    "x-forwarded-prefix",
    "the value of X-Forwarded-Prefix, which tells a backend its public path",
    example="/shop",
)

CONNECTION: Final = shared(
    "connection-proxy-header",
    "the Connection header of requests to backends, `keep-alive` or `close`; it ends upgrades to "
    "WebSocket",
    default="that of the gateway",
    differs="`keep-alive` and `close` only",
    example="keep-alive",
)

_CONNECTIONS: Final = frozenset({"keep-alive", "close"})


def connection(text: str) -> str:
    """Read the value of a Connection header."""
    if text.lower() in _CONNECTIONS:
        return text.lower()
    raise Unusable("keep-alive or close")


def parse(reader: Reader) -> tuple[RequestHeader, ...] | None:
    """Read both headers."""
    prefix = reader.read(PREFIX, printable)
    kept = reader.read(CONNECTION, connection)
    headers = (("x-forwarded-prefix", prefix), ("connection", kept))
    return tuple(RequestHeader(name, value) for name, value in headers if value) or None


def _apply(rule: Rule, headers: tuple[RequestHeader, ...]) -> Rule:
    return replace(rule, policies=(*rule.policies, *headers))


FEATURE: Final = rule_feature("Headers for backends", (PREFIX, CONNECTION), parse, _apply)
