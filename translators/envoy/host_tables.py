"""Route tables: the plan of a host as Envoy's VirtualHost, in a table of its own.

    SET|shop.example.com   the rules of this host
    SET|*.example.com      the rules of this wildcard, for names of one more label
    SET|*                  rules without host and default backends, for hosts without a table

SET is what a listener asks: `mse`, or the listener's own name (ALB). Each table is a
ScopedRouteConfiguration with one VirtualHost for all that reaches it.

Every VirtualHost ends with a catch-all route, so that a found table never falls through to another
(`translators.envoy.scoped_routes` says how a table is found). One with many routes has them as a
tree over the path (`translators.envoy.path_tree`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from fleet.ref import Ref
from translators.envoy.matching import header, regex
from translators.envoy.messages import (
    FilterConfig,
    RegexMatcher,
    Route,
    RouteConfiguration,
    RouteMatch,
    ScopedRouteConfiguration,
    ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment,
    VirtualHost,
)
from translators.envoy.names import table_name
from translators.envoy.parts import HostParts, Keywords
from translators.envoy.path_matcher import first_where, path_matcher
from translators.envoy.path_tree import Branch, grow
from translators.envoy.retries import REPEATABLE, retry_policy
from translators.envoy.routes import direct_response
from translators.envoy.scoped_routes import SCOPE_HEADER, SEARCHES
from translators.model.host_plans import HostPlan
from translators.model.listeners import TableSet
from translators.model.rules import Rule
from xds.resource import Resource
from xds.wire import encode, field, pack, splice

if TYPE_CHECKING:
    from envoy_data_plane.xds.type.matcher import v3 as xds_matcher


NOT_FOUND: Final = "no rule for this host and path\n"

AMBIGUOUS: Final = "no path with //, %2F or %5C: this host has access rules\n"

AMBIGUOUS_PATH: Final = "(?://|%2[Ff]|%5[Cc])"

_VHOST_ROUTES: Final = 3  # VirtualHost.routes

_VHOST_MATCHER: Final = 21  # VirtualHost.matcher
_BEHIND_THE_MATCHER: Final = ("request_mirror_policies", "metadata", "request_body_buffer_limit")

_TABLE_VHOSTS: Final = 2  # RouteConfiguration.virtual_hosts

_SCOPE_TABLE: Final = 5  # ScopedRouteConfiguration.route_configuration

LONG: Final = 32
"""Rules up to which a host's routes stay a list: Envoy asks so many in less than a microsecond, and
people read a list more easily in its config dump."""


def is_long(plan: HostPlan) -> bool:
    """Whether the host has more routes than people, and Envoy, want to read as a list."""
    return len(plan.everything) > LONG


def virtual_host(
    plan: HostPlan, host: str, route: Callable[[Rule], bytes], parts: HostParts | None = None
) -> bytes:
    """Encode what a host serves; `route` is `encode_route`, or gives what that gave before."""
    rules = plan.everything
    routes = [*(route(rule) for rule in rules), _not_found()]
    branches = [Branch(rule.path, bool(rule.conditions)) for rule in rules]
    tree = grow(branches) if is_long(plan) else None
    guard = [_guard()] if plan.guarded else []
    # All requests that find the table are for it, whatever stands in their Host: port, capitals.
    head = encode(VirtualHost(name=host or "*", domains=["*"]))
    rest, tail = _without_routes(parts) if parts else _same_for_all_hosts()
    if tree is None:
        return splice(head, _VHOST_ROUTES, [*guard, *routes], rest + tail)
    matcher = path_matcher(tree, routes)
    if plan.guarded:
        matcher = first_where(_guarded(), _guard(), matcher)
    return splice(head + rest, _VHOST_MATCHER, [matcher], tail)


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
def _same_for_all_hosts() -> tuple[bytes, bytes]:
    """What `_without_routes` gives for hosts without policies, which are most; encoded once."""
    return _without_routes(HostParts())


def _without_routes(parts: HostParts) -> tuple[bytes, bytes]:
    """The fields of a VirtualHost between its routes and its matcher, and those behind that."""
    fields: Keywords = {
        "request_headers_to_remove": [SCOPE_HEADER],
        "retry_policy": retry_policy(),
        "request_body_buffer_limit": REPEATABLE,
    }
    if parts.filters:
        fields["typed_per_filter_config"] = {n: pack(c) for n, c in parts.filters.items()}
    fields = parts.virtual_host.over(fields)
    behind = {name: fields.pop(name) for name in _BEHIND_THE_MATCHER if name in fields}
    return encode(VirtualHost(**fields)), encode(VirtualHost(**behind))


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


@cache
def _guard() -> bytes:
    """The first route of a host that restricts access.

    A backend may decode what a rule saw as it came, so that a request could pass by the rule that
    is meant for it.
    """
    match = RouteMatch(safe_regex=RegexMatcher(regex=f".*{AMBIGUOUS_PATH}.*"))
    return encode(Route(name="guard", match=match, direct_response=direct_response(400, AMBIGUOUS)))


def _guarded() -> xds_matcher.MatcherMatcherListPredicate:
    """The same in front of a tree; `:path` has the query too."""
    return header(":path", regex(f"[^?]*{AMBIGUOUS_PATH}.*"))


@cache
def _not_found() -> bytes:
    """The last route of every VirtualHost.

    A request without a route has no per-route config either: the filters that look for other tables
    would run even though the host's own table was found.
    """
    match = RouteMatch(prefix="")
    return encode(Route(name="none", match=match, direct_response=direct_response(404, NOT_FOUND)))
