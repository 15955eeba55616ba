"""Random Ingresses of the ALB dialect, each on a host of its own.

The annotations are those of the code's features, so a new one takes part by itself. The first
Ingresses are the same for each seed: they have each feature, each annotation in each spelling, each
pair of features, each type of conditions, and each two types of actions. Further ones are random.
Conditions and actions are JSON: usable blocks, blocks with anything in some place, and texts with a
slip.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Any, Final, TypeVar

from tests.fuzz.annotations import POOL, Declared
from tests.fuzz.generator import NUMBERS
from tests.fuzz.questions import Sent, certain, questions
from tests.fuzz.values import HARMFUL, SLIPS, suited
from tests.support.annotations import example
from tests.support.builders import IngressBuilder, ingress
from translators.dialects.alb.features import FEATURES, VOCABULARY
from translators.dialects.alb.listen_ports import LISTEN_PORTS
from translators.dialects.alb.unsupported import ALB_UNSUPPORTED, of_nginx_alone
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.feature import Feature
from translators.dialects.annotations.reader import ALB, NGINX, Key
from translators.dialects.mse.features import FEATURES as MSE_FEATURES

T = TypeVar("T")
Json = Any  # right or wrong

SERVICES: Final = ("plain-{n}", "beside-{n}", "gone-{n}", "tls-{n}", "http2-{n}")
"""Names of Services; `{n}` is the place of an Ingress in its batch, so that it has them alone."""

PATHS: Final = ("/", "/a", "/a/b", "/*", "/a?", "/v[0-9]/(.*)", "/a/*/b?", "")

CONDITIONS: Final[tuple[Json, ...]] = (
    {"type": "Header", "headerConfig": {"key": "stage", "values": ["gray", "b*"]}},
    {"type": "QueryString", "queryStringConfig": {"values": [{"key": "v", "value": "2?*"}]}},
    {"type": "Cookie", "cookieConfig": {"values": [{"key": "k", "value": "v"}]}},
    {"type": "Method", "methodConfig": {"values": ["GET", "HEAD"]}},
    {"type": "SourceIp", "sourceIpConfig": {"values": ["127.0.0.0/8", "::1"]}},
    {"type": "Host", "hostConfig": {"values": ["shared.test", "*.shared.test"]}},
    {"type": "Path", "pathConfig": {"values": ["/x", "/y/*", "~*^/z[0-9]+"]}},
)

ACTIONS: Final[tuple[Json, ...]] = (
    {"type": "TrafficLimit", "trafficLimitConfig": {"QPS": "100", "QPSPerIp": "10"}},
    {
        "type": "InsertHeader",
        "insertHeaderConfig": {"key": "x-a", "value": "%b", "coverEnabled": False},
    },
    {"type": "RemoveHeader", "removeHeaderConfig": {"key": "x-b"}},
    {"type": "Rewrite", "rewriteConfig": {"host": "inner.test", "path": "/v2${path}"}},
    {"type": "Rewrite", "rewriteConfig": {"query": "a=1&b=%20"}},
    {"type": "Cors", "corsConfig": {"allowOrigin": ["https://*.a.test"], "maxAge": "5"}},
    {
        "type": "TrafficMirror",
        "trafficMirrorConfig": {
            "targetType": "ForwardGroupMirror",
            "mirrorGroupConfig": {
                "serverGroupTuples": [{"serviceName": "beside-{n}", "servicePort": 80}]
            },
        },
    },
)

OF_ANSWERS: Final[tuple[Json, ...]] = (
    {"type": "ResponseStatusCode", "responseStatusCodeConfig": {"values": ["200", "503"]}},
    {"type": "ResponseHeader", "responseHeaderConfig": {"key": "x-member", "values": ["*", "a?"]}},
)

FINAL_ACTIONS: Final[tuple[Json, ...]] = (
    {
        "type": "Redirect",
        "redirectConfig": {"host": "o.test", "path": "/n${path}", "query": "a=%2F"},
    },
    {"type": "Redirect", "redirectConfig": {"query": "a=1", "httpCode": "308"}},
    {"type": "FixedResponse", "fixedResponseConfig": {"httpCode": "404", "content": "%REQ(x)%"}},
    {
        "type": "ForwardGroup",
        "forwardConfig": {
            "serverGroups": [
                {"serviceName": "plain-{n}", "servicePort": 80, "weight": 80},
                {"serviceName": "gone-{n}", "servicePort": 80, "weight": 20},
            ]
        },
    },
)


PORTS: Final = (
    *('[{"HTTP":80}]', '[{"HTTP":80,"HTTPS":443}]', '[{"HTTP":80},{"HTTPS":443},{"HTTP":81}]'),
    *('[{"HTTPS":8443},{"http":8080}]', '[{"HTTP":80,"HTTP":82}]', '[{"HTTPS":443}]'),
    *("[]", "{}", "80", "[{}]", '[{"HTTP":"80"}]', '[{"HTTP":1e3}]', '[{"TCP":80}]', "[[[["),
)

_SUITED: Final[Mapping[str, tuple[str, ...]]] = {
    "listen-ports": PORTS,
    "order": ("1", "10", "1000", "0", "1001"),
    "backend-scheduler": ("wrr", "wlc", "sch", "uch"),
    "sticky-session-type": ("Insert", "insert", "Server"),
    "cookie-timeout": ("1", "86400", "0"),
    "rewrite-target": ("/${1}", "/a${2}b${9}", "/%2F", "/$1", "${1}"),
    "healthcheck-protocol": ("HTTP", "https", "TCP", "GRPC"),
    "healthcheck-method": ("HEAD", "GET", "post"),
    "healthcheck-connect-port": ("0", "1", "65535", "65536"),
    "healthcheck-httpcode": ("http_2xx,http_5xx", "http_6xx", ","),
    "traffic-limit-qps": ("1", "100000", "100001"),
    "traffic-limit-ip-qps": ("1", "1000"),
    "cluster-weight.": ("0", "1", "60", "100", "101", "x"),
}

_TYPES: Final = ("Prefix", "Prefix", "Exact", "ImplementationSpecific")

_MEMBERS: Final = ("one", "two", "three", "a.b")

KEYS: Final = (
    LISTEN_PORTS,
    *(key for feature in FEATURES for key in feature.keys),
    *(row.key for row in ALB_UNSUPPORTED),
)
"""Keys of the dialect's own."""

FOREIGN: Final = tuple(
    row.key.spellings[0]
    for row in of_nginx_alone(key for feature in MSE_FEATURES for key in feature.keys)
    if not row.family
)
"""Annotations of NGINX that have no effect."""


def spellings(key: Key) -> tuple[str, ...]:
    """Return the spellings of a key that the dialect knows."""
    return tuple(s for s in key.spellings if s.startswith(VOCABULARY.prefixes))


def _singles() -> Iterator[dict[str, str]]:
    for feature in FEATURES:
        yield from (_together((feature,), spelling) for spelling in (0, 1))
    for key in KEYS:
        for spelling in spellings(key):
            yield {spelling + _member(key): example(key)[1] or _suited(key)[0]}
    for annotation in FOREIGN:
        yield {annotation: "true"}


def _pairs() -> Iterator[dict[str, str]]:
    for pair in combinations(FEATURES, 2):
        yield _together(pair, 0)


def _rules() -> Iterator[dict[str, str]]:
    plain = SERVICES[0]
    for condition in CONDITIONS:
        yield {f"{ALB}conditions.{plain}": json.dumps([condition])}
    for action in (*ACTIONS, *FINAL_ACTIONS):
        yield {f"{ALB}actions.{plain}": json.dumps([action])}
    for pair in combinations(ACTIONS, 2):
        yield {f"{ALB}actions.{plain}": json.dumps(pair)}
    for action in ACTIONS:
        for final in FINAL_ACTIONS:
            yield {f"{ALB}actions.{plain}": json.dumps([action, final])}
    for condition in OF_ANSWERS:
        for action in ACTIONS[1:3]:
            yield {
                f"{ALB}rule-direction.{plain}": "Response",
                f"{ALB}conditions.{plain}": json.dumps([condition]),
                f"{ALB}actions.{plain}": json.dumps([action]),
            }


def _together(features: Sequence[Feature], spelling: int) -> dict[str, str]:
    keys = [key for feature in features for key in feature.keys if spellings(key)]
    return {
        spellings(key)[min(spelling, len(spellings(key)) - 1)] + _member(key): example(key)[1]
        for key in keys
    }


def _member(key: Key) -> str:
    """Return what stands behind the key of a family: a member, or a Service."""
    if not key.family:
        return ""
    return "one" if "weight" in key.name else SERVICES[0]


def _suited(key: Key) -> tuple[str, ...]:
    return _SUITED.get(key.name, ()) or suited(key.name) or ("true",)


SINGLES: Final = (*_singles(), *_rules())
"""What the first Ingresses have: each feature, annotation, condition and action."""

PAIRS: Final = (*_pairs(),)
"""What the next ones have: each two features together."""

FIXED: Final = SINGLES + PAIRS


class AlbIngresses:
    """Makes Ingresses from a seed. The number of an Ingress decides about all of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 (to be repeatable is the point)

    def make(self, number: int) -> Declared:
        """Make the Ingress of a number, and sometimes a canary beside it."""
        self._random = Random(f"{self._seed}/alb/{number}")  # noqa: S311 (as above)
        return self._certain(number) if number < len(FIXED) else self._any(number)

    def _certain(self, number: int) -> Declared:
        """Make one of those that each seed has: by a Service, by an action, and as a canary."""
        name, annotations = f"n{number}", FIXED[number]
        host = f"{name}.test"
        main = ingress(name, host=host).path("/", to=f"{SERVICES[1]}:80")
        main = main.path("/a", to=f"{SERVICES[0]}:80")
        main = main.path("/b", to=f"{SERVICES[0]}:use-annotation")
        if not any(key.endswith("/canary") for key in annotations):
            made = [
                main.tls("good", host).annotate(
                    {LISTEN_PORTS.spellings[0]: PORTS[1], **annotations}
                )
            ]
        else:
            canary = ingress(f"{name}-canary", host=host).path("/a", to=f"{SERVICES[1]}:80")
            ports = {LISTEN_PORTS.spellings[0]: PORTS[1]}
            made = [
                main.tls("good", host).annotate(ports),
                canary.annotate({**ports, **annotations}),
            ]
        sent = (*questions(self._random, host, "/a", (), by_tls=True), *certain(host))
        return self._declared(number, made, sent)

    def _any(self, number: int) -> Declared:
        name, host = f"n{number}", f"n{number}.test"
        made = self._with_paths(ingress(name, host=host)).annotate(self._annotations())
        if by_tls := self._chance(40):
            made = made.tls("good", host)
        every = [made]
        if self._chance(30):
            canary = self._with_paths(ingress(f"{name}-canary", host=host))
            if self._chance(30):  # it has no effect, whatever it is
                canary = canary.default(self._backend())
            own = self._of_keys(CANARY.keys, 3) | {f"{self._one_of((ALB, NGINX))}canary": "true"}
            every.append(canary.annotate({**self._annotations(), **own}))
        asked = self._one_of(("/a", "/a/b", "/v1/x", "/y/1"))
        others = ("shared.test", "any.shared.test") if self._chance(10) else ()
        sent = questions(self._random, host, asked, others, by_tls=by_tls)
        return self._declared(number, every, tuple(sent))

    def _declared(
        self, number: int, made: Sequence[IngressBuilder], sent: Sequence[Sent]
    ) -> Declared:
        place = str(number % POOL)
        texts = (json.dumps(each.of_class("alb").manifest) for each in made)
        manifests = tuple(json.loads(text.replace("{n}", place)) for text in texts)
        return Declared(f"n{number}", manifests, tuple(sent))

    def _with_paths(self, made: IngressBuilder) -> IngressBuilder:
        for _ in range(self._random.randint(1, 3)):
            to = self._backend()
            made = made.path(self._one_of(PATHS), to=to, kind=self._one_of(_TYPES))
        return made

    def _backend(self) -> str:
        port = "use-annotation" if self._chance(40) else "80"
        return f"{self._one_of(SERVICES)}:{port}"

    def _annotations(self) -> dict[str, str]:
        annotations = self._of_keys(KEYS, 6)
        if self._chance(20):
            annotations |= self._of_keys(self._one_of(FEATURES).keys, 9)
        if self._chance(5):
            annotations[self._one_of(FOREIGN)] = self._harmful()
        for name in SERVICES:
            if self._chance(25):
                annotations[f"{ALB}conditions.{name}"] = self._blocks(CONDITIONS, ())
            if self._chance(40):
                annotations[f"{ALB}actions.{name}"] = self._blocks(ACTIONS, FINAL_ACTIONS)
            if self._chance(7):
                direction = self._one_of(("Response", "Response", "Request", "x"))
                annotations[f"{ALB}rule-direction.{name}"] = direction
                annotations[f"{ALB}conditions.{name}"] = self._blocks(OF_ANSWERS, ())
                annotations[f"{ALB}actions.{name}"] = self._blocks(ACTIONS[1:3], ())
        return annotations

    def _of_keys(self, keys: Sequence[Key], most: int) -> dict[str, str]:
        chosen = (self._one_of(keys) for _ in range(self._random.randint(0, most)))
        return dict(self._of_key(key) for key in chosen if spellings(key))

    def _of_key(self, key: Key) -> tuple[str, str]:
        spelling = self._one_of(spellings(key))
        if key.family:
            spelling += self._one_of(_MEMBERS if "weight" in key.name else SERVICES)
        if self._chance(2):
            spelling = self._slipped(spelling)
        value = self._one_of((example(key)[1] or "true", *_suited(key)))
        return spelling, self._slipped(value) if self._chance(30) else value

    def _blocks(self, choices: Sequence[Json], ends: Sequence[Json]) -> str:
        chosen = self._random.sample(choices, self._random.randint(0, min(3, len(choices))))
        if ends and self._chance(60):
            chosen.append(self._one_of(ends))
        blocks = json.loads(json.dumps(chosen))
        if self._chance(40):
            blocks = self._broken(blocks)
        text = json.dumps(blocks)
        return self._slipped(text) if self._chance(15) else text

    def _broken(self, node: Json) -> Json:
        """Put anything in one place of a JSON value."""
        if isinstance(node, dict) and node and self._chance(90):
            key = self._one_of(tuple(node))
            changed = {**node, key: self._broken(node[key])}
            return changed if self._chance(85) else {k: v for k, v in node.items() if k != key}
        if isinstance(node, list) and node and self._chance(90):
            place = self._random.randrange(len(node))
            return [*node[:place], self._broken(node[place]), *node[place + 1 :]]
        if isinstance(node, str) and self._chance(40):
            return self._slipped(node)
        number = self._one_of(NUMBERS)
        return self._one_of((None, True, number, str(number), 1.5, [], {}, [node], self._harmful()))

    def _slipped(self, text: str) -> str:
        """Return a text with a slip in it."""
        place = self._random.randint(0, len(text))
        return self._one_of(
            (
                text[:place] + self._one_of(SLIPS) + text[place:],
                text[:place] + text[place + 1 :],
                text[:place] + text[place:].swapcase(),
                re.sub(r"[0-9]+", str(self._one_of(NUMBERS)), text, count=1),
                self._harmful(),
                self._harmful() + text,
            )
        )

    def _harmful(self) -> str:
        return self._one_of(HARMFUL)

    def _one_of(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def _chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent
