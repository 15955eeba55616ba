"""Routes: the path, conditions and action of a rule become an encoded Route."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, TypeAlias

import re2

from translators.envoy.clients import client_among
from translators.envoy.messages import (
    CookieMatcher,
    HeaderMatcher,
    Metadata,
    QueryParameterMatcher,
    RegexMatcher,
    Route,
    RouteAction,
    RouteMatch,
    StringMatcher,
    WeightedCluster,
    WeightedClusterClusterWeight,
)
from translators.envoy.names import cluster_name
from translators.envoy.parts import EntryParts, Keywords, Parts, RouteParts
from translators.envoy.redirects import content_type, direct_response, redirect
from translators.model.actions import Action, FixedResponse, Redirect, Share
from translators.model.bounds import MAX_MATCHED
from translators.model.conditions import Condition, Text, Where
from translators.model.paths import Path, PathKind
from translators.model.query_values import as_sent
from translators.model.rules import Rule
from xds.wire import encode, struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.route import v3 as schema
    from envoy_data_plane.envoy.type.matcher import v3 as matcher


Entries: TypeAlias = Sequence[EntryParts | None]


def encode_route(rule: Rule, parts: RouteParts | None = None, entries: Entries = ()) -> bytes:
    """Encode the Route of a rule, with what its policies add, and those of its shares in order."""
    headers = [_short_path()] if rule.path.short_only else []
    queries: list[schema.QueryParameterMatcher] = []
    cookies: list[schema.CookieMatcher] = []
    clients: list[matcher.FilterStateMatcher] = []
    for condition in rule.conditions:
        if condition.where is Where.CLIENT:
            clients.append(client_among(ip_network(text.value) for text in condition.values))
            continue
        # Envoy checks in this order, so a value that is too long never reaches the pattern.
        texts = (*_at_most(condition), _text(_spelt(condition)))
        match condition.where:
            case Where.HEADER | Where.METHOD:
                name = condition.name or ":method"
                headers += [HeaderMatcher(name=name, string_match=text) for text in texts]
            case Where.QUERY:
                name = condition.name
                queries += [QueryParameterMatcher(name=name, string_match=text) for text in texts]
            case Where.COOKIE:
                name = condition.name
                cookies += [CookieMatcher(name=name, string_match=text) for text in texts]
    match: Keywords = {
        **_path(rule.path),
        "headers": headers,
        "query_parameters": queries,
        "cookies": cookies,
        "filter_state": clients,
    }
    name = f"{rule.origin.namespace}/{rule.origin.name} {rule.at}"
    if parts is None and not any(entries):
        return encode(Route(name=name, match=RouteMatch(**match), **_action(rule.action)))
    parts = parts or RouteParts()
    route: Keywords = {"name": name, "match": RouteMatch(**parts.match.over(match))}
    if parts.metadata:
        by_filter = {name: struct(values) for name, values in parts.metadata.items()}
        route["metadata"] = Metadata(filter_metadata=by_filter)
    # A route with one backend has itself the fields of the entry.
    entry = (entries[0] if len(entries) == 1 else None) or EntryParts()
    route |= _filters(parts, entry)
    route |= _action(rule.action, parts, entries)
    return encode(Route(**parts.route.over(entry.entry.over(route))))


def _path(path: Path) -> dict[str, Any]:  # keywords of RouteMatch
    """Return the `path_specifier` of a match, and whether case counts."""
    case: dict[str, Any] = {"case_sensitive": False} if path.ignore_case else {}
    match path:
        case Path(PathKind.EXACT, value):
            return {"path": value, **case}
        case Path(PathKind.PREFIX, "/"):
            return {"prefix": "/"}
        case Path(PathKind.PREFIX, value):
            return {"path_separated_prefix": value, **case}
        case Path(_, value):
            return {"safe_regex": RegexMatcher(regex=value)}


def _at_most(condition: Condition) -> tuple[matcher.StringMatcher, ...]:
    """Return the bound on the length of a value that stands before a pattern.

    The cost of a user's pattern grows with the length of the value; that of this check does not.
    """
    if not any(text.regex for text in condition.values):
        return ()
    return (StringMatcher(safe_regex=RegexMatcher(regex=f".{{0,{MAX_MATCHED}}}")),)


@cache
def _short_path() -> schema.HeaderMatcher:
    """Return the bound on the length of a path, in which the query does not count."""
    regex = RegexMatcher(regex=rf"[^?]{{{MAX_MATCHED + 1}}}.*")
    longer = StringMatcher(safe_regex=regex)
    return HeaderMatcher(name=":path", string_match=longer, invert_match=True)


def _spelt(condition: Condition) -> tuple[Text, ...]:
    """Return the values as requests have them: Envoy does not decode query parameters."""
    if condition.where is not Where.QUERY:
        return condition.values
    return tuple(value if value.regex else _as_sent(value) for value in condition.values)


def _as_sent(text: Text) -> Text:
    """Return a query parameter's value in all spellings that clients use."""
    spellings = as_sent(text.value)
    if text.prefix:
        return Text(f"{spellings}.*", regex=True)
    return text if spellings == re2.escape(text.value) else Text(spellings, regex=True)


def _text(values: tuple[Text, ...]) -> matcher.StringMatcher:
    """Match any of the values."""
    if len(values) == 1 and not values[0].regex:
        value = values[0].value
        return StringMatcher(prefix=value) if values[0].prefix else StringMatcher(exact=value)
    return StringMatcher(safe_regex=RegexMatcher(regex=_alternation(values)))


def _alternation(values: tuple[Text, ...]) -> str:
    """Return an RE2 regex that matches any of the values in full."""
    parts = [
        text.value if text.regex else f"{re2.escape(text.value)}{'.*' if text.prefix else ''}"
        for text in values
    ]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _filters(*parts: Parts) -> Keywords:
    """Return the field with the configurations of HTTP filters, if there are some."""
    packed = {name: config for each in parts for name, config in each.packed.items()}
    return {"typed_per_filter_config": packed} if packed else {}


def _action(
    action: Action, parts: RouteParts | None = None, entries: Entries = ()
) -> Keywords:  # of Route
    """Return the `action` of a route."""
    if isinstance(action, FixedResponse):
        named = content_type(action.content_type)
        answer = direct_response(action.status, action.body)
        return {"direct_response": answer, "response_headers_to_add": named}
    if isinstance(action, Redirect):
        return redirect(action)
    # 0 is no timeout. Envoy's default ends a request after 15 s.
    own: Keywords = {"timeout": timedelta(0)}
    if len(action.shares) == 1:
        own["cluster"] = cluster_name(action.shares[0].target)
    else:
        some = entries or (None,) * len(action.shares)
        clusters = [_entry(*pair) for pair in zip(action.shares, some, strict=True)]
        choice: Keywords = {"clusters": clusters}
        own["weighted_clusters"] = WeightedCluster(
            **(parts.weighted.over(choice) if parts else choice)
        )
    return {"route": RouteAction(**(parts.action.over(own) if parts else own))}


def _entry(share: Share, parts: EntryParts | None) -> schema.WeightedClusterClusterWeight:
    """Build the entry of a weighted backend."""
    own: Keywords = {"name": cluster_name(share.target), "weight": share.weight}
    if parts:
        own = parts.entry.over(own | _filters(parts))
    return WeightedClusterClusterWeight(**own)
