"""The annotation `backend-protocol`: the protocol of an Ingress's backends.

It holds for the rules of its Ingress only, and not for the whole Service. Argo CD needs that: one
Service port speaks HTTP to browsers and gRPC to the command line, each by an Ingress of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import Feature, rule_feature
from translators.dialects.annotations.reader import Spell, Unusable
from translators.model.actions import Forward
from translators.model.backends import BackendProtocol
from translators.model.rules import Rule

_WORDS: Final[Mapping[str, BackendProtocol]] = {
    "HTTP": BackendProtocol.HTTP,
    "HTTP2": BackendProtocol.H2C,
    "GRPC": BackendProtocol.H2C,
    "HTTPS": BackendProtocol.HTTPS,
    "GRPCS": BackendProtocol.H2,
}


def _protocol(text: str) -> BackendProtocol:
    try:
        return _WORDS[text.upper()]
    except KeyError:
        raise Unusable("HTTP, HTTP2, GRPC, HTTPS or GRPCS") from None


def _apply(rule: Rule, protocol: BackendProtocol) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    return replace(rule, action=rule.action.each(lambda b: b._replace(protocol=protocol)))


def backend_protocol(spell: Spell) -> Feature:
    """Make the feature for a dialect."""
    key = spell(
        "backend-protocol",
        "what backends speak: `HTTP`, `HTTP2`, `GRPC`, `HTTPS` or `GRPCS`, in any case; their "
        "certificates are not verified; a canary without it speaks as its main",
        default="`HTTP`, or the `appProtocol` of the Service's port",
        differs="FCGI and AJP are not spoken",
        example="HTTP2",
    )
    effect = "backends are asked as their Service says, or by HTTP"
    return rule_feature(
        "Protocol of backends", (key,), lambda reader: reader.read(key, _protocol, effect), _apply
    )
