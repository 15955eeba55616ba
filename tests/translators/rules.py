"""Random rules of one host, and requests that come close to them."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import strategies as st

from fleet.ref import HUB, Ref
from tests.support.envoy_routing import Request
from translators.dialects.mse.gateway import MSE_TABLES
from translators.envoy.host_tables import LONG
from translators.model.actions import FixedResponse
from translators.model.conditions import Condition, Text, Where
from translators.model.paths import Path, PathKind
from translators.model.rules import Age, Rule

EXACT, PREFIX, REGEX = PathKind.EXACT, PathKind.PREFIX, PathKind.REGEX
AGE = Age(datetime(2026, 1, 1, tzinfo=UTC), "")

STAGE = Condition(Where.HEADER, "stage", (Text("gray"), Text("blue")))
COOKIE = Condition(Where.COOKIE, "user", (Text("me"),))
QUERY = Condition(Where.QUERY, "v", (Text("2"),))


def rule(path: Path, *conditions: Condition, host: str = "example.com") -> Rule:
    """Make a rule that answers with its own host, path and conditions."""
    at = Ref(HUB, "Ingress", "default", "web")
    asks = [host, str(path), *(condition.name for condition in conditions)]
    return Rule(
        at, "", AGE, host, path, FixedResponse(200, " ".join(asks)), (MSE_TABLES,), conditions
    )


_TEXTS = ["/a", "/ab", "/a/b", "/a/b/c", "/a/bc", "/a/b-c", "/b", "/a.b", "/a/b/c/d", "/a//b"]
_EXACTS = [*_TEXTS, "/", "/a/", "/a/b/", "/a//"]
_REGEXES = ["/a.*", "/[ab]/.*", "/a/b(/c)?", ".*c", "/", "/.b/?", "(?i)/A/B"]

_PATHS = [
    *(Path(EXACT, value) for value in _EXACTS),
    *(Path(PREFIX, value) for value in [*_TEXTS, "/"]),
    *(Path(REGEX, value) for value in _REGEXES),
    *(Path(kind, "/A/B", ignore_case=True) for kind in (EXACT, PREFIX)),
]
_CONDITIONS = [(), (), (), (STAGE,), (COOKIE,), (QUERY,), (STAGE, QUERY)]


SOME_RULES = [rule(path, *held) for path, held in product(_PATHS, _CONDITIONS)]


def rules() -> st.SearchStrategy[list[Rule]]:
    """Draw rules in any order: the tree must keep whatever order the rules have."""
    return st.lists(st.sampled_from(SOME_RULES), max_size=16)


FILLERS = [rule(Path(EXACT, f"/filler/{n}")) for n in range(LONG + 1)]
"""Enough rules to make a host's routes a tree."""


def filled(rules: list[Rule]) -> list[Rule]:
    """Put the rules behind FILLERS, so that they become a tree.

    The fillers add no copies of routes, and 16 rules add too few for the tree to be given up.
    """
    return [*FILLERS, *rules]


_ENDS = ["", "/", "/x", "x", "/b", "/c", "?", "?v=2", "/?v=2", "?v=1&x=/a/b", "?/a//b"]
_TARGETS = [*map("".join, product(_EXACTS, _ENDS)), "*", "/A/b", "//", "/x", "/filler/1?x"]
_HEADERS: list[dict[str, str]] = [
    {},
    {"stage": "gray"},
    {"stage": "none"},
    {"cookie": "a=b; user=me"},
]

REQUESTS = [Request(target, headers=headers) for target, headers in product(_TARGETS, _HEADERS)]
"""All targets, each with all headers."""
