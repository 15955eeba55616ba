"""Annotations of NGINX that set one header of requests to backends.

A Connection header is never sent. HTTP/2 forbids it: a Pod that gets one over HTTP/2 ends the
connection, with all requests on it. The protocol is not known here, as a Service may say it too.
"""

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
    "`keep-alive`, which holds anyway: the gateway keeps its connections to Pods",
    default="`keep-alive`",
    differs="`keep-alive` only",
    example="keep-alive",
)


def connection(text: str) -> str:
    """Read the value of a Connection header."""
    if text.lower() == "keep-alive":
        return text
    raise Unusable("keep-alive: the gateway sends no Connection header, which HTTP/2 forbids")


def parse(reader: Reader) -> RequestHeader | None:
    """Read the header."""
    reader.read(CONNECTION, connection, "connections to Pods are kept")
    prefix = reader.read(PREFIX, printable)
    return RequestHeader("x-forwarded-prefix", prefix) if prefix else None


def _apply(rule: Rule, header: RequestHeader) -> Rule:
    return replace(rule, policies=(*rule.policies, header))


FEATURE: Final = rule_feature("Headers for backends", (PREFIX, CONNECTION), parse, _apply)
