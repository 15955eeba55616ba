"""Random Ingresses of the ALB dialect, each on a host of its own.

The annotations are those of the code's features. Conditions and actions are JSON: usable blocks,
blocks with anything in some place, and texts with a slip.
"""

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any, Final, TypeVar

from tests.fuzz.generator import NUMBERS
from tests.fuzz.values import HARMFUL, SLIPS
from tests.support.annotations import example
from tests.support.builders import ingress
from translators.dialects.alb.features import FEATURES
from translators.dialects.annotations.reader import ALB, Key

T = TypeVar("T")
Json = Any  # right or wrong

SERVICES: Final = ("web", "api", "gone")

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
    {"type": "Cors", "corsConfig": {"allowOrigin": ["https://*.a.test"], "maxAge": "5"}},
    {
        "type": "TrafficMirror",
        "trafficMirrorConfig": {
            "targetType": "ForwardGroupMirror",
            "mirrorGroupConfig": {"serverGroupTuples": [{"serviceName": "api", "servicePort": 80}]},
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
                {"serviceName": "web", "servicePort": 80, "weight": 80},
                {"serviceName": "gone", "servicePort": 80, "weight": 20},
            ]
        },
    },
)


class AlbIngresses:
    """Makes Ingresses from a seed. The number of an Ingress decides about all of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 (to be repeatable is the point)

    def make(self, number: int) -> Json:
        """Make the manifest of an Ingress for the host `hNUMBER.test`."""
        self._random = Random(f"{self._seed}/{number}")  # noqa: S311 (as above)
        made = ingress(f"i{number}", host=f"h{number}.test").of_class("alb")
        for _ in range(self._random.randint(1, 3)):
            port = "use-annotation" if self._chance(40) else "80"
            kind = self._one_of(("Prefix", "Prefix", "Exact", "ImplementationSpecific"))
            to = f"{self._one_of(SERVICES)}:{port}"
            made = made.path(self._one_of(PATHS), to=to, kind=kind)
        annotations: dict[str, str] = {}
        for _ in range(self._random.randint(0, 5)):
            annotations |= self._of_key(self._one_of(self._one_of(FEATURES).keys))
        for name in SERVICES:
            if self._chance(40):
                annotations[f"{ALB}conditions.{name}"] = self._blocks(CONDITIONS, ())
            if self._chance(50):
                annotations[f"{ALB}actions.{name}"] = self._blocks(ACTIONS, FINAL_ACTIONS)
            if self._chance(10):
                direction = self._one_of(("Response", "Response", "Request", "x"))
                annotations[f"{ALB}rule-direction.{name}"] = direction
                annotations[f"{ALB}conditions.{name}"] = self._blocks(OF_ANSWERS, ())
                annotations[f"{ALB}actions.{name}"] = self._blocks(ACTIONS[1:3], ())
        return made.annotate(annotations).manifest

    def _of_key(self, key: Key) -> dict[str, str]:
        if key.family:
            return {}
        name, value = example(key)
        spelling = ALB + name.partition("/")[2]
        return {spelling: self._slipped(value) if self._chance(30) else value}

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
