"""Whatever patterns users write, the cost of comparing a request with them in Envoy stays small.

A match in RE2 costs at most the product of instructions and bytes. These tests count both for the
routes that translation makes; `make bench` measures the time.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.generator import REGEXES
from tests.support.builders import IngressBuilder, alb_class, alb_gateway, ingress, mse_gateway
from tests.support.translation import World
from translators.model.bounds import MAX_INSTRUCTIONS_OF_HOST, MAX_MATCHED
from xds.readable import readable
from xds.resource import TypeUrl

Json: TypeAlias = Mapping[str, Any]

HOST = "shop.test"
NGINX = "nginx.ingress.kubernetes.io/canary"
MSE = "mse.ingress.kubernetes.io/canary"

GUARD = f".{{0,{MAX_MATCHED}}}"
PATH_GUARD = rf"[^?]{{{MAX_MATCHED + 1}}}.*"

_PIECES = st.sampled_from(
    ["a", "[ab]", ".", "(?:a|b)", "a?", "(a*)*", ".*", "{190}", "{99}", "{990}", "|", "\\d", "é"]
)
_PATTERN = st.sampled_from(REGEXES) | st.lists(_PIECES, max_size=8).map("".join)
_GLOB = st.lists(st.sampled_from(["*", "?", "a", "ab" * 9, "??????"]), max_size=20).map("".join)

WORST = [f"a[ab]{{{count}}}c" for count in range(170, 190)]


@settings(max_examples=60)
@given(
    by_header=st.lists(_PATTERN, max_size=24),
    by_query=st.lists(_PATTERN, max_size=24),
    paths=st.integers(1, 4),
)
@example(by_header=WORST, by_query=WORST, paths=4)
def test_patterns_of_canaries(
    by_header: Sequence[str], by_query: Sequence[str], paths: int
) -> None:
    world = World()
    main = _of_paths("main", paths)
    world.put(mse_gateway("gw").manifest, main.manifest)
    for number, text in enumerate((*by_header, *by_query)):
        by = f"{NGINX}-by-header" if number < len(by_header) else f"{MSE}-by-query"
        canary = _of_paths(f"canary-{number}", paths).created(f"2021-01-01T00:00:{number:02}Z")
        annotations = {f"{NGINX}": "true", by: "x", f"{by}-pattern": text}
        world.put(canary.annotate(annotations).manifest)

    for matches in _lists(world, "mse/gw", f"mse|{HOST}"):
        pairs = [pair for match in matches for pair in _pairs(match)]
        assert all(_regex_of(first) == GUARD for first, _ in pairs)
        assert sum(_size(_regex_of(then)) for _, then in pairs) <= MAX_INSTRUCTIONS_OF_HOST


@settings(max_examples=60)
@given(globs=st.lists(_GLOB, max_size=60))
@example(globs=[f"{'*' * n}{'?' * 150}{'a' * n}" for n in range(40)])
def test_path_patterns(globs: Sequence[str]) -> None:
    world = World()
    rules = ingress("web", host=HOST).of_class("alb")
    for glob in globs:
        rules = rules.path(f"/{glob}", to="web:80", kind="ImplementationSpecific")
    world.put(alb_gateway("gw").manifest, alb_class("alb").manifest, rules.manifest)

    for matches in _lists(world, "alb/gw", f"http-80|{HOST}"):
        asked = {match["safe_regex"]["regex"]: match for match in matches if "safe_regex" in match}
        assert sum(map(_size, asked)) <= MAX_INSTRUCTIONS_OF_HOST
        for regex, match in asked.items():
            behind_a_run = regex.partition(".*")[2].replace(".*", "")
            guards = [_regex_of(guard) for guard in match.get("headers", ())]
            assert guards == ([PATH_GUARD] if "." in behind_a_run else [])


def _of_paths(name: str, paths: int) -> IngressBuilder:
    made = ingress(name, host=HOST).of_class("mse").created("2020-01-01T00:00:00Z")
    for number in range(paths):
        made = made.path(f"/{number}", to=f"{name}:80")
    return made


def _lists(world: World, gateway: str, table: str) -> Iterator[list[Json]]:
    """Return the matches of a host's routes as lists. A request goes through one of the lists."""
    resource = world.snapshots[gateway].get((TypeUrl.SCOPED_ROUTE, table))
    if resource is not None:
        shown: Any = readable(TypeUrl.SCOPED_ROUTE, resource.body)
        yield from _lists_in(shown["route_configuration"]["virtual_hosts"][0])


def _lists_in(value: object) -> Iterator[list[Json]]:
    """Return the lists of routes in a VirtualHost; a tree has many."""
    if isinstance(value, Mapping):
        if "routes" in value:
            yield [route["match"] for route in value["routes"]]
        for inner in value.values():
            yield from _lists_in(inner)


def _pairs(match: Json) -> Iterator[tuple[Json, Json]]:
    """Return each pattern, with the check of the length that stands before it."""
    for asked in (match.get("headers", []), match.get("query_parameters", [])):
        for first, then in zip([None, *asked], asked, strict=False):
            if "safe_regex" in then["string_match"] and _regex_of(then) != GUARD:
                assert first is not None
                assert first["name"] == then["name"]
                yield first, then


def _regex_of(matcher: Json) -> str:
    regex: str = matcher["string_match"]["safe_regex"]["regex"]
    return regex


def _size(regex: str) -> int:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return int(re2.compile(regex.encode(), options).programsize)
