"""The annotation `backend-protocol`: the protocol of an Ingress's backends.

It holds for the rules of its Ingress only, and not for the whole Service. Argo CD needs that: one
Service port speaks HTTP to browsers and gRPC to the command line, each by an Ingress of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.model.actions import Forward
from translators.model.backends import BackendProtocol
from translators.model.rules import Rule

PROTOCOL: Final = shared(
    "backend-protocol",
    "what backends speak: `HTTP`, `HTTP2`, `GRPC`, `HTTPS` or `GRPCS`, in any case; their "
    "certificates are not verified; a canary without it speaks as its main",
    default="`HTTP`, or the `appProtocol` of the Service's port",
    differs="FCGI and AJP are not spoken",
    example="HTTP2",
)

_WORDS: Final[Mapping[str, BackendProtocol]] = {
    "HTTP": BackendProtocol.HTTP,
    "HTTP2": BackendProtocol.H2C,
    "GRPC": BackendProtocol.H2C,
    "HTTPS": BackendProtocol.HTTPS,
    "GRPCS": BackendProtocol.H2,
}


def parse(reader: Reader) -> BackendProtocol | None:
    """Read the protocol; None if the annotation is absent or unusable."""
    return reader.read(PROTOCOL, _protocol, "backends are asked as their Service says, or by HTTP")


def _protocol(text: str) -> BackendProtocol:
    try:
        return _WORDS[text.upper()]
    except KeyError:
        raise Unusable("HTTP, HTTP2, GRPC, HTTPS or GRPCS") from None


def _apply(rule: Rule, protocol: BackendProtocol) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    return replace(rule, action=rule.action.each(lambda b: b._replace(protocol=protocol)))


FEATURE: Final = rule_feature("Protocol of backends", (PROTOCOL,), parse, _apply)
