"""A path tree as `VirtualHost.matcher`, joined from routes that are encoded already.

    matcher_tree  exact_match_map   :path ─▶ RouteList
    on_no_match   matcher_tree      prefix_match_map  :path ─▶ RouteList
                  on_no_match       RouteList

Without exact keys, the outer `matcher_tree` is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import (
    HttpRequestHeaderMatchInput,
    RouteList,
    XdsMatcherFieldMatcher,
    XdsMatcherTree,
    XdsTypedExtensionConfig,
)
from translators.envoy.path_tree import PathTree, Places
from xds.wire import encode, field, pack, splice

if TYPE_CHECKING:
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

_MATCHER_LIST: Final = 1  # Matcher.matcher_list
_MATCHERS: Final = 1  # MatcherList.matchers
_ON_MATCH: Final = 2  # FieldMatcher.on_match
_MATCHER_TREE: Final = 2  # Matcher.matcher_tree
_ON_NO_MATCH: Final = 3  # Matcher.on_no_match
_EXACT_MAP: Final = 2  # MatcherTree.exact_match_map
_PREFIX_MAP: Final = 3  # MatcherTree.prefix_match_map
_ENTRIES: Final = 1  # MatchMap.map
_KEY: Final = 1
_VALUE: Final = 2
_NESTED: Final = 1  # OnMatch.matcher
_ACTION: Final = 2  # OnMatch.action
_NAME: Final = 1  # TypedExtensionConfig.name
_CONFIG: Final = 2  # TypedExtensionConfig.typed_config
_PACKED: Final = 2  # Any.value
_ROUTES: Final = 1  # RouteList.routes


def path_matcher(tree: PathTree, routes: Sequence[bytes]) -> bytes:
    """Encode the Matcher of a tree.

    `routes` are the encoded routes of the branches that the tree was made of, and a last one for
    all other requests.
    """
    rest = _on_match(tree.rest, routes)
    by_prefix = _matcher(_PREFIX_MAP, tree.prefixes, routes, rest)
    if not tree.exact:
        return by_prefix
    return _matcher(_EXACT_MAP, tree.exact, routes, field(_NESTED, by_prefix))


def first_where(
    predicate: xds_matcher.MatcherMatcherListPredicate, route: bytes, tree: bytes
) -> bytes:
    """Encode a Matcher that takes the route if the predicate holds, and otherwise uses the tree."""
    case = encode(XdsMatcherFieldMatcher(predicate=predicate))
    routes = field(_ACTION, _routes(splice(b"", _ROUTES, [route])))
    matchers = field(_MATCHERS, case + field(_ON_MATCH, routes))
    return field(_MATCHER_LIST, matchers) + field(_ON_NO_MATCH, field(_NESTED, tree))


def _matcher(kind: int, lists: Mapping[str, Places], routes: Sequence[bytes], rest: bytes) -> bytes:
    # The order of the C runtime: a key comes before every key that it starts with.
    keys = sorted(lists, key=lambda key: f"{key}\x7f")
    entries = (
        field(_KEY, key.encode()) + field(_VALUE, _on_match(lists[key], routes)) for key in keys
    )
    tree = _path_input() + field(kind, splice(b"", _ENTRIES, entries))
    return field(_MATCHER_TREE, tree) + field(_ON_NO_MATCH, rest)


def _on_match(places: Places, routes: Sequence[bytes]) -> bytes:
    return field(_ACTION, _routes(_route_list(places, routes)))


def _routes(listed: bytes) -> bytes:
    """Encode a RouteList as the configuration of an action."""
    packed = splice(_any_route_list(), _PACKED, [listed])
    return field(_NAME, b"routes") + field(_CONFIG, packed)


def _route_list(places: Places, routes: Sequence[bytes]) -> bytes:
    return splice(b"", _ROUTES, [routes[place] for place in places])


@cache
def _any_route_list() -> bytes:
    """Encode the type of an Any for a RouteList; its value follows."""
    return encode(pack(RouteList()))


@cache
def _path_input() -> bytes:
    """Encode `MatcherTree.input`, which names the request's `:path`."""
    path = pack(HttpRequestHeaderMatchInput(header_name=":path"))
    return encode(XdsMatcherTree(input=XdsTypedExtensionConfig(name="path", typed_config=path)))
