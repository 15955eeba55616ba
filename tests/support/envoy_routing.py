"""A model of how Envoy chooses a route of a VirtualHost, from its list or its Matcher tree.

VirtualHosts and routes are in the form of `xds.readable`. The model has the matches that fleetgate
uses, and a key that it does not know is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import re2

Json: TypeAlias = Mapping[str, Any]  # a message as Envoy's tools show it

_PATHS: Final = frozenset({"path", "prefix", "path_separated_prefix", "safe_regex"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as routes see it. `target` is `:path` with the query; headers are in lower case."""

    target: str
    authority: str = "example.com"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path, which routes match."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The value of a header or a pseudo header."""
        return {":path": self.target, ":authority": self.authority, **self.headers}.get(name)

    def cookie(self, name: str) -> str | None:
        """The value of the first cookie with this name, without quotes."""
        for pair in self.headers.get("cookie", "").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value.removeprefix('"').removesuffix('"')
        return None

    def query(self, name: str) -> str | None:
        """The first value of a query parameter."""
        for pair in self.target.partition("?")[2].split("&"):
            key, _, value = pair.partition("=")
            if key == name:
                return value
        return None


def choose(virtual_host: Json, request: Request) -> Json | None:
    """The route that Envoy takes."""
    routes = virtual_host.get("routes")
    if "matcher" in virtual_host:
        assert routes is None, "Envoy refuses routes beside a matcher"
        routes = routes_of_tree(virtual_host["matcher"], request)
    return choose_of(routes or (), request)


def choose_of(routes: Sequence[Json], request: Request) -> Json | None:
    """The first route of a list that matches."""
    return next((route for route in routes if _matches(route["match"], request)), None)


def routes_of_tree(matcher: Json, request: Request) -> Sequence[Json] | None:
    """The list of routes that a Matcher leads to; None if it leads to none."""
    if "matcher_list" in matcher:
        return _routes_of_list(matcher, request)
    _known(matcher, "matcher_tree", "on_no_match")
    tree = matcher["matcher_tree"]
    assert tree["input"]["typed_config"]["header_name"] == ":path"
    for key in _keys(tree, request.target):
        if (found := _follow(key, request)) is not None:
            return found
    return _follow(matcher["on_no_match"], request) if "on_no_match" in matcher else None


def _routes_of_list(matcher: Json, request: Request) -> Sequence[Json] | None:
    """The list that a Matcher with a single case leads to, which is a regex on a header."""
    _known(matcher, "matcher_list", "on_no_match")
    (case,) = matcher["matcher_list"]["matchers"]
    asked = case["predicate"]["single_predicate"]
    value = request.header(asked["input"]["typed_config"]["header_name"])
    met = value is not None and _regex(asked["value_match"]["safe_regex"], value)
    return _follow(case["on_match"] if met else matcher["on_no_match"], request)


def _keys(tree: Json, target: str) -> Sequence[Json]:
    """The values of the keys that match, the longest key first.

    If a nested Matcher leads to no list, a shorter prefix is tried. A list ends the search.
    """
    _known(tree, "input", "exact_match_map", "prefix_match_map")
    if "exact_match_map" in tree:
        found = tree["exact_match_map"]["map"].get(target)
        return () if found is None else (found,)
    entries = tree["prefix_match_map"]["map"]
    prefixes = (target[:length] for length in range(len(target), -1, -1))
    return [entries[prefix] for prefix in prefixes if prefix in entries]


def _follow(on_match: Json, request: Request) -> Sequence[Json] | None:
    if "matcher" in on_match:
        return routes_of_tree(on_match["matcher"], request)
    action = on_match["action"]["typed_config"]
    assert action["@type"].endswith("/envoy.config.route.v3.RouteList")
    routes: Sequence[Json] = action["routes"]
    return routes


def _matches(match: Json, request: Request) -> bool:
    _known(match, *_PATHS, "case_sensitive", "headers", "query_parameters", "cookies")
    return (
        _path_matches(match, request.path)
        and all(_holds(m, request.header(m["name"])) for m in match.get("headers", ()))
        and all(_holds(m, request.query(m["name"])) for m in match.get("query_parameters", ()))
        and all(_holds(m, request.cookie(m["name"])) for m in match.get("cookies", ()))
    )


def _path_matches(match: Json, path: str) -> bool:
    (kind,) = match.keys() & _PATHS
    wanted = match[kind]
    if kind == "safe_regex":
        return _regex(wanted, path)
    if match.get("case_sensitive") is False:
        wanted, path = wanted.lower(), path.lower()
    if kind == "prefix":
        return path.startswith(wanted)
    below = kind == "path_separated_prefix" and path.startswith(f"{wanted}/")
    return below or bool(path == wanted)


def _regex(regex: Json, text: str) -> bool:
    return re2.fullmatch(regex["regex"], text) is not None


def _holds(matcher: Json, value: str | None) -> bool:
    _known(matcher, "name", "string_match", "invert_match")
    text = matcher["string_match"]
    _known(text, "exact", "safe_regex")
    if value is None:
        return False
    holds = bool(text["exact"] == value) if "exact" in text else _regex(text["safe_regex"], value)
    return holds is not bool(matcher.get("invert_match"))


def _known(message: Json, *keys: str) -> None:
    unknown = message.keys() - set(keys)
    assert not unknown, f"this model does not know {sorted(unknown)}"
