"""The annotation `destination`: weighted Services that replace the backends of all rules."""

import re
from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, Unusable, own
from translators.dialects.annotations.values import lines
from translators.model.actions import Forward, Share
from translators.model.backends import Backend, ServicePort, Target
from translators.model.bounds import MAX_DESTINATIONS
from translators.model.rules import Rule

DESTINATION: Final = own(
    "destination",
    "lines `[WEIGHT%] SERVICE.NAMESPACE.svc.cluster.local:PORT` in place of the rules' backends",
    default="the backends of the rules",
    example="90% web.default.svc.cluster.local:80\n10% api.default.svc.cluster.local:80",
)

_LINE: Final = re.compile(
    r"(?:(?P<weight>[0-9]{1,3})%\s+)?"
    r"(?P<service>[a-z0-9-]{1,63})\.(?P<namespace>[a-z0-9-]{1,63})\.svc\.cluster\.local"
    r":(?P<port>[0-9]{1,5})"
)


def parse(reader: Reader) -> Forward | None:
    """Read the weighted Services. A single wrong line makes the whole annotation unusable."""
    return reader.read(DESTINATION, _forward)


def _forward(text: str) -> Forward:
    expected = "lines of [WEIGHT%] SERVICE.NAMESPACE.svc.cluster.local:PORT"
    shares = []
    for line in lines(text, MAX_DESTINATIONS):
        parts = _LINE.fullmatch(line)
        if not parts or not 1 <= int(parts["port"]) <= 65535:
            raise Unusable(expected)
        weight = int(parts["weight"] or 100)
        if weight > 100:
            raise Unusable("weights from 0% to 100%")
        backend = Backend(parts["namespace"], parts["service"], ServicePort(int(parts["port"])))
        shares.append(Share(Target((backend,)), weight))
    shares = [share for share in shares if share.weight]
    if not shares:
        raise Unusable("at least one weight above 0%")
    return Forward(tuple(shares) if len(shares) > 1 else (replace(shares[0], weight=1),))


def _apply(rule: Rule, forward: Forward) -> Rule:
    return replace(rule, action=forward) if isinstance(rule.action, Forward) else rule


FEATURE: Final = rule_feature("Weighted destinations", (DESTINATION,), parse, _apply)
