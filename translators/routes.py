"""Route tables: the plan of a host as Envoy's VirtualHost, in a table of its own.

    SET|shop.example.com   the rules of this host
    SET|*.example.com      the rules of this wildcard, for names of one more label
    SET|*                  rules without host and default backends, for hosts without a table

SET is what a listener asks: `mse`, or the listener's own name (ALB). Each table is a
ScopedRouteConfiguration with one VirtualHost for all that reaches it.

Every VirtualHost ends with a catch-all route, so that a found table never falls through to another
(`translators.listeners` says how a table is found). One with many routes has them as a tree over
the path (`translators.path_tree`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import re2

from fleet.ref import Ref
from translators.bounds import MAX_MATCHED
from translators.hosts import HostPlan
from translators.matching import header, regex
from translators.messages import (
    CookieMatcher,
    DataSource,
    DirectResponseAction,
    FilterConfig,
    HeaderMatcher,
    PreviousHostsPredicate,
    PreviousPrioritiesConfig,
    QueryParameterMatcher,
    RedirectAction,
    RedirectCode,
    RegexMatcher,
    RetryBackOff,
    RetryHostPredicate,
    RetryPolicy,
    RetryPriority,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    ScopedRouteConfiguration,
    ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment,
    StringMatcher,
    VirtualHost,
    WeightedCluster,
    WeightedClusterClusterWeight,
)
from translators.model import (
    Action,
    Condition,
    FixedResponse,
    Path,
    PathKind,
    Redirect,
    Rule,
    TableSet,
    Text,
    Where,
)
from translators.names import cluster_name, table_name
from translators.path_matcher import first_where, path_matcher
from translators.path_tree import Branch, grow
from xds.resource import Resource
from xds.wire import encode, field, pack, splice

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.route import v3 as schema
    from envoy_data_plane.envoy.type.matcher import v3 as matcher
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher

SCOPE_HEADER: Final = "x-fg-scope"
SEARCHES: Final = ("fleetgate.search_host", "fleetgate.search_rest")
"""The filters that look for the table of a host without one of its own (`translators.scopes`)."""

NOT_FOUND: Final = "no rule for this host and path\n"
AMBIGUOUS: Final = "no path with //, %2F or %5C: this host has access rules\n"

_AMBIGUOUS: Final = "(?://|%2[Ff]|%5[Cc])"

_VHOST_ROUTES: Final = 3  # VirtualHost.routes
_VHOST_MATCHER: Final = 21  # VirtualHost.matcher
_TABLE_VHOSTS: Final = 2  # RouteConfiguration.virtual_hosts
_SCOPE_TABLE: Final = 5  # ScopedRouteConfiguration.route_configuration

LONG: Final = 32
"""Rules up to which a host's routes stay a list: Envoy asks so many in less than a microsecond, and
people read a list more easily in its config dump."""

RETRIES: Final = 10
"""After the first try. With 500 of 1000 Pods killed, 5 lose 15 of 60,000 requests, 10 none."""

REPEATABLE: Final = 1024 * 1024
"""Bytes of a request's body that are kept for a retry, beside what is on its way. A larger body is
not tried again after so much of it has come in."""

RETRY_ON: Final = "connect-failure,refused-stream,reset-before-request"
"""What is safe to repeat whatever the method: the backend has not seen the request. Nothing here
reads an answer: one that says "unavailable" may come from a backend that has acted.
`translators.listeners` adds more for idempotent methods."""


def is_long(plan: HostPlan) -> bool:
    """Whether the host has more routes than people, and Envoy, want to read as a list."""
    return len(plan.everything) > LONG


def virtual_host(plan: HostPlan, host: str, route: Callable[[Rule], bytes]) -> bytes:
    """Encode what a host serves; `route` is `encode_route`, or gives what that gave before."""
    rules = plan.everything
    routes = [*(route(rule) for rule in rules), _not_found()]
    branches = [Branch(rule.path, bool(rule.conditions)) for rule in rules]
    tree = grow(branches) if is_long(plan) else None
    guard = [_guard()] if plan.guarded else []
    # All requests that find the table are for it, whatever stands in their Host: port, capitals.
    head = encode(VirtualHost(name=host or "*", domains=["*"]))
    tail = encode(VirtualHost(request_body_buffer_limit=REPEATABLE))
    if tree is None:
        return splice(head, _VHOST_ROUTES, [*guard, *routes], _same_for_all_hosts() + tail)
    matcher = path_matcher(tree, routes)
    if plan.guarded:
        matcher = first_where(_guarded(), _guard(), matcher)
    return splice(head + _same_for_all_hosts(), _VHOST_MATCHER, [matcher], tail)


def route_table(
    tables: TableSet, host: str, virtual_host: bytes, origins: Iterable[Ref]
) -> Resource:
    """Encode a host's VirtualHost as the ScopedRouteConfiguration of its key.

    `origins` are the Ingresses whose rules are in it.
    """
    name = table_name(tables, host)
    table = splice(
        encode(RouteConfiguration(name=name)),
        _TABLE_VHOSTS,
        [virtual_host],
        _same_for_all_tables(),
    )
    key = ScopedRouteConfigurationKey(
        fragments=[ScopedRouteConfigurationKeyFragment(string_key=name)]
    )
    scope = encode(ScopedRouteConfiguration(name=name, key=key))
    return Resource.of(name, scope + field(_SCOPE_TABLE, table), origins=tuple(sorted(origins)))


@cache
def _same_for_all_hosts() -> bytes:
    """The fields of a VirtualHost between its routes and its matcher; encoded once."""
    return encode(
        VirtualHost(request_headers_to_remove=[SCOPE_HEADER], retry_policy=_retry_policy())
    )


@cache
def _same_for_all_tables() -> bytes:
    """The fields of a RouteConfiguration after its VirtualHosts; encoded once."""
    return encode(
        RouteConfiguration(
            # Inline in SRDS the default is true, and one unknown Cluster rejects the response.
            validate_clusters=False,
            typed_per_filter_config=dict.fromkeys(SEARCHES, pack(FilterConfig(disabled=True))),
        )
    )


def encode_route(rule: Rule) -> bytes:
    """Encode the Route of a rule."""
    headers = [_short_path()] if rule.path.short_only else []
    queries: list[schema.QueryParameterMatcher] = []
    cookies: list[schema.CookieMatcher] = []
    for condition in rule.conditions:
        # Envoy asks in this order: one that is too long for a pattern never gets to it.
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
    match = RouteMatch(
        **_path(rule.path), headers=headers, query_parameters=queries, cookies=cookies
    )
    name = f"{rule.origin.namespace}/{rule.origin.name} {rule.at}"
    return encode(Route(name=name, match=match, **_action(rule.action)))


def _path(path: Path) -> dict[str, Any]:  # keywords of RouteMatch
    """The `path_specifier` of a match."""
    match path:
        case Path(PathKind.EXACT, value):
            return {"path": value}
        case Path(PathKind.PREFIX, "/"):
            return {"prefix": "/"}
        case Path(PathKind.PREFIX, value):
            return {"path_separated_prefix": value}
        case Path(_, value):
            return {"safe_regex": RegexMatcher(regex=value)}


def _at_most(condition: Condition) -> tuple[matcher.StringMatcher, ...]:
    """What stands before a pattern, whose cost grows with the value, as this one's does not."""
    if not any(text.regex for text in condition.values):
        return ()
    return (StringMatcher(safe_regex=RegexMatcher(regex=f".{{0,{MAX_MATCHED}}}")),)


@cache
def _short_path() -> schema.HeaderMatcher:
    """The same for a path; its query may be long, and is not looked at."""
    regex = RegexMatcher(regex=rf"[^?]{{{MAX_MATCHED + 1}}}.*")
    longer = StringMatcher(safe_regex=regex)
    return HeaderMatcher(name=":path", string_match=longer, invert_match=True)


def _spelt(condition: Condition) -> tuple[Text, ...]:
    """The values as requests carry them: Envoy compares query parameters as they were sent."""
    if condition.where is not Where.QUERY:
        return condition.values
    return tuple(value if value.regex else _as_sent(value) for value in condition.values)


def _as_sent(text: Text) -> Text:
    """A query parameter's value in all spellings that clients have for it."""
    spellings = "".join(map(_spellings, text.value.encode()))
    return text if spellings == re2.escape(text.value) else Text(spellings, regex=True)


@cache
def _spellings(byte: int) -> str:
    """A byte as it is where a request can carry it, and encoded where some client does so."""
    character = chr(byte)
    plain: str = re2.escape("+" if character == " " else character)
    if character.isascii() and (character.isalnum() or character in "-._"):
        return plain
    encoded = "%" + "".join(d if d.isdigit() else f"[{d}{d.lower()}]" for d in f"{byte:02X}")
    if not character.isascii():
        return encoded
    return f"(?:{plain}|{encoded})"


def _text(values: tuple[Text, ...]) -> matcher.StringMatcher:
    """One of the values."""
    if len(values) == 1 and not values[0].regex:
        return StringMatcher(exact=values[0].value)
    return StringMatcher(safe_regex=RegexMatcher(regex=_alternation(values)))


def _alternation(values: tuple[Text, ...]) -> str:
    """An RE2 regex that matches any of the values in full."""
    parts = [text.value if text.regex else re2.escape(text.value) for text in values]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _action(action: Action) -> dict[str, Any]:  # keywords of Route
    """The `action` of a route."""
    if isinstance(action, FixedResponse):
        return {"direct_response": _response(action.status, action.body)}
    if isinstance(action, Redirect):
        code = RedirectCode.PERMANENT_REDIRECT
        redirect = RedirectAction(
            https_redirect=True, host_redirect=action.host, response_code=code
        )
        return {"redirect": redirect}
    # Envoy cuts a request off after 15 s unless it is told otherwise; 0 is no limit.
    no_limit = timedelta(0)
    if len(action.shares) == 1:
        name = cluster_name(action.shares[0].target)
        return {"route": RouteAction(cluster=name, timeout=no_limit)}
    clusters = [
        WeightedClusterClusterWeight(name=cluster_name(share.target), weight=share.weight)
        for share in action.shares
    ]
    weighted = WeightedCluster(clusters=clusters)
    return {"route": RouteAction(weighted_clusters=weighted, timeout=no_limit)}


def _response(status: int, body: str) -> schema.DirectResponseAction:
    return DirectResponseAction(status=status, body=DataSource(inline_string=body))


@cache
def _guard() -> bytes:
    """The first route of a host that restricts access.

    A backend may decode what a rule saw as it came, so that a request could pass by the rule that
    is meant for it.
    """
    match = RouteMatch(safe_regex=RegexMatcher(regex=f".*{_AMBIGUOUS}.*"))
    return encode(Route(name="guard", match=match, direct_response=_response(400, AMBIGUOUS)))


def _guarded() -> xds_matcher.MatcherMatcherListPredicate:
    """The same in front of a tree; `:path` has the query too."""
    return header(":path", regex(f"[^?]*{_AMBIGUOUS}.*"))


@cache
def _not_found() -> bytes:
    """The last route of every VirtualHost.

    A request without a route has no per-route config either: the filters that look for other tables
    would run even though the host's own table was found.
    """
    match = RouteMatch(prefix="")
    return encode(Route(name="none", match=match, direct_response=_response(404, NOT_FOUND)))


def _retry_policy() -> schema.RetryPolicy:
    """Kept once for each VirtualHost; every route has one, see `idempotent_retry` in listeners."""
    return RetryPolicy(
        retry_on=RETRY_ON,
        num_retries=RETRIES,
        # The first pause is short: what comes in of an upload meanwhile has to be kept.
        retry_back_off=RetryBackOff(
            base_interval=timedelta(milliseconds=1), max_interval=timedelta(milliseconds=100)
        ),
        # Two tries fail before the next priority is asked: after one, requests would leave a subset
        # that has a Pod which answers.
        # Envoy finds extensions by the type of their configuration; each table has these names.
        retry_priority=RetryPriority(
            name="priorities",
            typed_config=pack(PreviousPrioritiesConfig(update_frequency=2)),
        ),
        retry_host_predicate=[
            RetryHostPredicate(
                name="hosts",
                typed_config=pack(PreviousHostsPredicate()),
            )
        ],
        host_selection_retry_max_attempts=10,
    )
