"""The annotations `actions.{service}`: what becomes of requests for the paths to a Service.

A backend with the port `use-annotation` is no Service, and its actions must end with one that says
where requests go. Paths whose actions cannot be read are not served.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeAlias

from translators.dialects.alb.blocks import Fields, as_a_whole, read_blocks
from translators.dialects.alb.direction import not_served, of_services
from translators.dialects.alb.limits import limits
from translators.dialects.alb.redirects import redirect, rewrite
from translators.dialects.alb.regex_paths import TARGET
from translators.dialects.annotations.cors import HEADERS, METHODS, alone, origin
from translators.dialects.annotations.feature import (
    Feature,
    OfService,
    Wanted,
    with_policy_of_shares,
)
from translators.dialects.annotations.header_names import editable_header
from translators.dialects.annotations.reader import Found, Reader, Unusable, alb
from translators.dialects.annotations.values import (
    integer,
    one_of,
    printable,
    service_name,
    token,
)
from translators.model.actions import Action, FixedResponse, Forward, Share
from translators.model.backends import Backend, Target
from translators.model.bounds import MAX_BODY, MAX_GROUPS, MAX_HEADER_TEXT
from translators.model.policy import Policy
from translators.model.rules import Rule
from translators.policies.cors import Cors
from translators.policies.headers import HeaderControl, HeaderEdits
from translators.policies.mirror import Mirror
from translators.policies.rate_limits import ClientLimit, RouteLimit
from translators.policies.rewrite import PathRewrite

ACTIONS: Final = alb(
    "actions.",
    "JSON list of what becomes of requests for the paths to the Service NAME: the types "
    "`TrafficLimit`, `InsertHeader`, `RemoveHeader`, `Rewrite`, `Cors` and `TrafficMirror`; behind "
    "a backend whose port is named `use-annotation` also one of `ForwardGroup`, `Redirect` and "
    "`FixedResponse`, which takes the place of a Service",
    example='web [{"type":"InsertHeader","insertHeaderConfig":{"key":"x-team","value":"shop"}}]',
    family=True,
)

CANARY_ACTION: Final = "CanaryAction"
"""The reason of problems about actions that a canary cannot have."""

MAIN_HOLDS: Final = "what the main rule asks for holds for the canary too"

_CONTENT_TYPES: Final = (
    *("text/plain", "text/css", "text/html"),
    *("application/javascript", "application/json"),
)

_DEFAULT_WEIGHT: Final = "100"

_OUTSIDE: Final = "serverGroupID"
"""A group of servers in the cloud, which no fleet has."""

MAX_AGE: Final = 172_800
"""Two days in seconds: the most, and what holds without a `maxAge`."""


@dataclass(slots=True)
class Asked:
    """What the blocks of an annotation ask for. `outside` counts the groups that are skipped.

    `types` are those of the blocks in lower case.
    """

    namespace: str
    types: frozenset[str] = frozenset()
    final: Action | None = None
    outside: int = 0
    policies: list[Policy] = field(default_factory=list)
    edits: HeaderEdits = field(default_factory=HeaderEdits)

    @property
    def limited(self) -> bool:
        """Whether some block limits the rate of requests."""
        return any(isinstance(policy, RouteLimit | ClientLimit) for policy in self.policies)

    @property
    def replaced(self) -> tuple[type[Policy], ...]:
        """The kinds of policies for which no other annotation counts."""
        kinds = tuple(map(type, self.policies))
        return (*kinds, RouteLimit, ClientLimit) if self.limited else kinds


_Read: TypeAlias = Callable[[Fields, Asked], None]


def read(reader: Reader, wanted: Wanted) -> None:
    """Change the rules of each Service that has actions."""
    for key, name in of_services(reader, ACTIONS):
        of = wanted.of_service(name)
        effect = not_served(name)
        parse = as_a_whole(partial(_actions, namespace=reader.namespace))
        found = reader.find(key, parse, effect)
        if found is None:
            of.served = False
        else:
            _add(of, found)
            if wanted.split is None:
                _report_overruled(reader, wanted, found, name)
            else:
                _report_canary(reader, found)
            if found.value.outside:
                expected = "serviceName and servicePort in each group"
                reader.note(found, "NotSupported", expected, f"{_OUTSIDE} gets no request")


def _add(of: OfService, found: Found[Asked]) -> None:
    asked = found.value
    of.action = asked.final
    of.changes.append(lambda rule: _changed(rule, asked))
    if isinstance(asked.final, Forward) and len(asked.final.shares) > 1:
        of.changes.append(lambda rule: replace(rule, fallback=found.spelling))


def _report_overruled(reader: Reader, wanted: Wanted, found: Found[Asked], name: str) -> None:
    """Report other annotations that ask for what the actions of the Service `name` ask for."""
    kinds = found.value.replaced
    if PathRewrite in kinds and reader.has(TARGET):
        expected = f"no Rewrite of the path in {found.spelling}, which holds for its paths"
        effect = f"no path to {name} is rewritten to it"
        reader.report("Overruled", *reader.written(TARGET), expected, effect)
    for each in wanted.policies:
        if isinstance(each.policy, kinds):
            kind = "Cors" if isinstance(each.policy, Cors) else "TrafficLimit"
            expected = f"no {kind} in {found.spelling}, which holds for its paths"
            reader.report("Overruled", each.key, each.value, expected, "no effect there")


def _report_canary(reader: Reader, found: Found[Asked]) -> None:
    """Report actions that a canary cannot have, since it is treated as its main rule says."""
    asked = found.value
    if asked.final is not None and not isinstance(asked.final, Forward):
        expected = "a Service or a ForwardGroup: a canary takes requests for another backend"
        reader.note(found, CANARY_ACTION, expected, "the canary takes no request")
        return
    idle = [shown for shown in _SHOWN if shown.lower() in asked.types - _OF_CANARIES]
    if idle:
        expected = "InsertHeader, RemoveHeader and ForwardGroup alone, since this is a canary"
        have = "have" if len(idle) > 1 else "has"
        effect = f"{', '.join(idle)} {have} no effect: {MAIN_HOLDS}"
        reader.note(found, CANARY_ACTION, expected, effect)


def _changed(rule: Rule, asked: Asked) -> Rule:
    """Apply the actions. They count before other annotations that ask for the same."""
    kinds = asked.replaced
    others = tuple(policy for policy in rule.policies if not isinstance(policy, kinds))
    rule = replace(rule, policies=(*others, *asked.policies))
    if asked.edits == HeaderEdits():
        return rule
    return with_policy_of_shares(rule, HeaderControl(asked.edits, HeaderEdits()))


def _actions(text: str, namespace: str) -> Asked:
    asked = Asked(namespace)
    seen: set[str] = set()
    for block in read_blocks(text):
        kind = block.text("type").lower()
        if kind not in _TYPES:
            raise Unusable(f"one of the types {', '.join(_SHOWN)}")
        if kind in seen and kind not in _REPEATED:
            raise Unusable("each type once, but InsertHeader and RemoveHeader")
        seen.add(kind)
        name, act = _TYPES[kind]
        act(block.part(name), asked)
    if len(seen & _FINAL) > 1:
        raise Unusable("one of ForwardGroup, Redirect and FixedResponse at most")
    asked.types = frozenset(seen)
    return asked


def _redirect(config: Fields, asked: Asked) -> None:
    asked.final = redirect(config)


def _fixed(config: Fields, asked: Asked) -> None:
    status = integer(200, 599)(config.text("httpCode", "503"))
    content = config.text("content", "")
    if len(content.encode()) > MAX_BODY:
        raise Unusable(f"a content of at most {MAX_BODY} bytes")
    kind = one_of(*_CONTENT_TYPES)(config.text("contentType", "text/plain").lower())
    asked.final = FixedResponse(status, content, kind)


def _groups(config: Fields, asked: Asked) -> None:
    weights: dict[Backend, int] = {}
    groups = config.parts("serverGroups")
    if len(groups) > MAX_GROUPS:
        raise Unusable(f"at most {MAX_GROUPS} groups")
    for group in groups:
        if group.has(_OUTSIDE):
            asked.outside += 1
            continue
        backend = _backend(group, asked.namespace)
        weight = integer(0, 10**6)(group.text("weight", _DEFAULT_WEIGHT))
        weights[backend] = weights.get(backend, 0) + weight
    asked.final = _divided({backend: weight for backend, weight in weights.items() if weight})


def _divided(weights: Mapping[Backend, int]) -> Forward:
    """Divide requests. A Service without a usable Pod gives its share to the others."""
    if not weights:
        raise Unusable("a group with a Service and a weight above 0")
    by_weight = sorted(weights, key=lambda backend: -weights[backend])
    return Forward(
        tuple(
            Share(Target((one, *(other for other in by_weight if other != one))), weight)
            for one, weight in weights.items()
        )
    )


def _backend(group: Fields, namespace: str) -> Backend:
    name = group.text("serviceName")
    if "/" in name:
        raise Unusable("the name of a Service in the Ingress's namespace")
    return Backend(*service_name(namespace, with_port=True)(f"{name}:{group.text('servicePort')}"))


def insert(config: Fields, asked: Asked) -> None:
    """Read a header to write."""
    one_of("userdefined")(config.text("valueType", "UserDefined").lower())
    header = editable_header(config.text("key")), printable(config.text("value"))
    edits = asked.edits
    if sum(len(value) for _, value in (header, *edits.update, *edits.absent)) > MAX_HEADER_TEXT:
        raise Unusable(f"at most {MAX_HEADER_TEXT} characters in the values of all headers")
    if config.is_on("coverEnabled", default=True):
        asked.edits = replace(edits, update=(*edits.update, header))
    else:
        asked.edits = replace(edits, absent=(*edits.absent, header))


def remove(config: Fields, asked: Asked) -> None:
    """Read a header to remove."""
    name = editable_header(config.text("key"))
    asked.edits = replace(asked.edits, remove=(*asked.edits.remove, name))


def _rewrite(config: Fields, asked: Asked) -> None:
    asked.policies += rewrite(config)


def _limit(config: Fields, asked: Asked) -> None:
    total, per_client = (
        config.text(name) if config.has(name) else "" for name in ("QPS", "QPSPerIp")
    )
    asked.policies += limits(total, per_client)


def _mirror(config: Fields, asked: Asked) -> None:
    one_of("forwardgroupmirror")(config.text("targetType", "ForwardGroupMirror").lower())
    groups = config.part("mirrorGroupConfig").parts("serverGroupTuples")
    if len(groups) > 1:
        raise Unusable("one Service that gets copies")
    asked.policies.append(Mirror(_backend(groups[0], asked.namespace)))


def _cors(config: Fields, asked: Asked) -> None:
    def names(name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(token, config.texts(name))) if config.has(name) else default

    origins = config.texts("allowOrigin") if config.has("allowOrigin") else ("*",)
    asked.policies.append(
        Cors(
            alone(tuple(map(origin, origins))),
            names("allowMethods", METHODS),
            names("allowHeaders", HEADERS),
            names("exposeHeaders", ()),
            config.is_on("allowCredentials", default=True),
            integer(-1, MAX_AGE)(config.text("maxAge", str(MAX_AGE))),
        )
    )


_TYPES: Final[Mapping[str, tuple[str, _Read]]] = {
    "trafficlimit": ("trafficLimitConfig", _limit),
    "insertheader": ("insertHeaderConfig", insert),
    "removeheader": ("removeHeaderConfig", remove),
    "rewrite": ("rewriteConfig", _rewrite),
    "cors": ("corsConfig", _cors),
    "trafficmirror": ("trafficMirrorConfig", _mirror),
    "forwardgroup": ("forwardConfig", _groups),
    "redirect": ("redirectConfig", _redirect),
    "fixedresponse": ("fixedResponseConfig", _fixed),
}
"""The field with the settings of a block, and what reads them, by its type."""

_SHOWN: Final = (
    *("TrafficLimit", "InsertHeader", "RemoveHeader", "Rewrite", "Cors", "TrafficMirror"),
    *("ForwardGroup", "Redirect", "FixedResponse"),
)

_REPEATED: Final = frozenset({"insertheader", "removeheader"})

_FINAL: Final = frozenset({"forwardgroup", "redirect", "fixedresponse"})

_OF_CANARIES: Final = frozenset({"insertheader", "removeheader", "forwardgroup"})
"""What concerns the backend of a rule alone. A canary has everything else from its main rule."""

FEATURE: Final = Feature("Actions of a Service's paths", (ACTIONS,), read)
