"""A host's tree over the path chooses the same routes as its list, and stays small."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from envoy_data_plane.envoy.config.route import v3 as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.envoy_routing import Request, choose, choose_of
from tests.translators.rules import (
    EXACT,
    FILLERS,
    PREFIX,
    REGEX,
    REQUESTS,
    STAGE,
    filled,
    rule,
    rules,
)
from translators.envoy.host_tables import LONG, virtual_host
from translators.envoy.path_tree import MOST_COPIES, Branch, PathTree, grow
from translators.envoy.routes import encode_route
from translators.model.host_plans import HostPlan
from translators.model.paths import Path
from translators.model.rules import Rule
from xds.readable import readable
from xds.wire import decode, encode

VIRTUAL_HOST = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
ROUTE = "type.googleapis.com/envoy.config.route.v3.Route"

SOME_REQUESTS = st.lists(st.sampled_from(REQUESTS), min_size=30, max_size=30)


def plan(rules: Sequence[Rule]) -> HostPlan:
    return HostPlan(tuple(rules), None, ())


def shown(rules: Sequence[Rule], host: str = "example.com") -> Mapping[str, Any]:  # JSON
    """Return the VirtualHost in readable form."""
    return readable(VIRTUAL_HOST, virtual_host(plan(rules), host, encode_route))


@cache
def route_of(rule: Rule) -> Mapping[str, Any]:  # JSON
    """Return the route of a rule in readable form."""
    return readable(ROUTE, encode_route(rule))


def expect_the_choice_of_the_list(
    host: Mapping[str, Any], rules: Sequence[Rule], requests: Sequence[Request]
) -> None:
    routes = [*(route_of(rule) for rule in rules), shown([])["routes"][-1]]
    for request in requests:
        assert choose(host, request) == choose_of(routes, request), request


@settings(max_examples=100)
@given(st.data())
def test_tree_chooses_as_the_list(data: st.DataObject) -> None:
    """This holds for any rules in any order."""
    listed = filled(data.draw(rules()))
    host = shown(listed)
    assert "matcher" in host
    expect_the_choice_of_the_list(host, listed, data.draw(SOME_REQUESTS))


@settings(max_examples=100)
@given(st.data())
def test_a_guarded_host_serves_no_path_that_can_be_read_in_two_ways(data: st.DataObject) -> None:
    listed = data.draw(rules())
    for own in (listed, filled(listed)):
        body = virtual_host(replace(plan(own), guarded=True), "example.com", encode_route)
        guarded, open_to_all = readable(VIRTUAL_HOST, body), shown(own)
        for request in data.draw(SOME_REQUESTS):
            route = choose(guarded, request)
            assert route is not None
            if "//" in request.path:
                assert route["direct_response"]["status"] == 400, request
            else:
                assert route == choose(open_to_all, request), request


def test_joined_bytes_of_a_guarded_tree_are_the_message_built_at_once() -> None:
    body = virtual_host(replace(plan(FILLERS), guarded=True), "example.com", encode_route)
    assert "matcher_list" in str(readable(VIRTUAL_HOST, body))
    assert encode(decode(schema.VirtualHost, body)) == body


def prefix(value: str) -> Branch:
    return Branch(Path(PREFIX, value), conditional=False)


def exact(value: str) -> Branch:
    return Branch(Path(EXACT, value), conditional=False)


def regex(value: str) -> Branch:
    return Branch(Path(REGEX, value), conditional=False)


def on_condition(branch: Branch) -> Branch:
    return branch._replace(conditional=True)


@pytest.mark.parametrize(
    ("branches", "tree"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(
            [on_condition(prefix("/")), regex("x"), prefix("/")], None, id="no-path-for-a-key"
        ),
        pytest.param(
            [prefix("/a/b"), prefix("/a"), prefix("/c")],
            PathTree({}, {"/a/b": (0, 1), "/a": (1, 3), "/c": (2, 3)}, (3,)),
            id="shorter-path-of-the-same-elements-follows",
        ),
        pytest.param(
            [prefix("/ab"), prefix("/a"), prefix("/")],
            PathTree({}, {"/ab": (0, 2), "/a": (1, 2)}, (2, 3)),
            id="shorter-path-of-other-elements-does-not",
        ),
        pytest.param(
            [exact("/a"), prefix("/a")],
            PathTree({}, {"/a": (0, 1, 2)}, (2,)),
            id="exact-and-prefix-share-a-key",
        ),
        pytest.param(
            [prefix("/a"), prefix("/a/b")],
            PathTree({}, {"/a": (0, 2), "/a/b": (0,)}, (2,)),
            id="what-an-earlier-rule-takes-is-cut",
        ),
        pytest.param(
            [prefix("/"), prefix("/a"), exact("/a/b")],
            PathTree({}, {"/a": (0,), "/a/b": (0,)}, (0, 3)),
            id="an-earlier-rule-for-all-takes-all",
        ),
        pytest.param(
            [on_condition(prefix("/a/b")), on_condition(prefix("/a")), prefix("/")],
            PathTree({}, {"/a/b": (0, 1, 2), "/a": (1, 2)}, (2, 3)),
            id="conditions-let-the-next-follow",
        ),
        pytest.param(
            [prefix("/a"), exact("/b"), regex("x"), regex("y"), regex("z")],
            PathTree(
                {"/a": (0,), "/b": (1,)},
                {"/a?": (0,), "/a/": (0,), "/b?": (1,)},
                (2, 3, 4, 5),
            ),
            id="keys-that-end-as-the-path-does-need-no-regexes",
        ),
        pytest.param(
            [prefix("/a"), exact("/a/"), regex("x"), regex("y"), regex("z")],
            PathTree(
                {"/a": (0,)},
                {"/a?": (0,), "/a/": (0,)},
                (2, 3, 4, 5),
            ),
            id="exact-path-behind-a-prefix",
        ),
    ],
)
def test_what_stands_below_a_key(branches: list[Branch], tree: PathTree | None) -> None:
    assert grow(branches) == tree


@pytest.mark.parametrize(
    ("count", "form"),
    [pytest.param(LONG, "routes", id="few"), pytest.param(LONG + 1, "matcher", id="many")],
)
def test_long_lists_alone_become_trees(count: int, form: str) -> None:
    host = shown(FILLERS[:count])
    assert host.keys() & {"routes", "matcher"} == {form}


@pytest.mark.parametrize("regexes", [0, 1, 10, 1000])
def test_regexes_are_not_repeated_below_paths_without_conditions(regexes: int) -> None:
    paths = [prefix(f"/p/{n}") for n in range(1000)]
    tree = grow([*paths, *(regex(f"/{n}") for n in range(regexes)), prefix("/")])
    assert tree is not None
    assert tree.size <= 3 * len(paths) + regexes + 2


def test_a_canary_on_all_paths_is_not_repeated_below_each() -> None:
    paths = [prefix(f"/p/{n}") for n in range(1000)]
    canary = [on_condition(prefix("/"))] * 50
    tree = grow([*paths, *canary, prefix("/")])
    assert tree is not None
    assert tree.size <= 3 * len(paths) + len(canary) + 2


def test_a_tree_that_would_repeat_too_much_is_not_grown() -> None:
    paths = [on_condition(prefix(f"/p/{n}")) for n in range(1000)]
    some = [regex(f"/{n}") for n in range(2)]
    many = [regex(f"/{n}") for n in range(1000)]
    small = grow([*paths, *some])
    assert small is not None
    assert small.size <= MOST_COPIES * 1002
    assert grow([*paths, *many]) is None


def test_thousands_of_paths_within_each_other() -> None:
    """The paths are as deep as the longest path of an Ingress allows."""
    deep = ["/a" * n for n in range(1, 2048)]
    tree = grow([prefix(path) for path in reversed(deep)])
    assert tree is not None
    assert tree.size == 2 * len(deep) + 1


def test_a_host_whose_tree_would_repeat_too_much_keeps_its_list() -> None:
    paths = [rule(Path(PREFIX, f"/p/{n}"), STAGE) for n in range(100)]
    host = shown([*paths, *(rule(Path(REGEX, f"/{n}")) for n in range(100))])
    assert len(host["routes"]) == 201
    assert "matcher" not in host


def test_joined_bytes_are_the_message_built_at_once() -> None:
    listed = [*FILLERS, *(rule(Path(REGEX, f"/{n}")) for n in range(9))]
    body = virtual_host(plan(listed), "example.com", encode_route)
    host = readable(VIRTUAL_HOST, body)
    assert "exact_match_map" in str(host)
    assert "prefix_match_map" in str(host)
    assert encode(decode(schema.VirtualHost, body)) == body
