"""Route tables: the plan of a host becomes one VirtualHost in a ScopedRouteConfiguration.

    SET|shop.example.com   the rules of this host
    SET|*.example.com      the rules of this wildcard, for names of one more label
    SET|*                  rules without host and default backends, for hosts without a table

SET is the set of route tables that a listener uses: `mse`, or the listener's own name (ALB).
`translators.envoy.scoped_routes` describes how a request finds its table.

Every VirtualHost ends with a route for all other requests, so that a request never goes on to
another table. A VirtualHost with many routes has them as a tree over the path
(`translators.envoy.path_tree`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from fleet.ref import Ref
from translators.envoy.filters import GROUP
from translators.envoy.matching import header, regex
from translators.envoy.messages import (
    FilterConfig,
    RegexMatcher,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    ScopedRouteConfiguration,
    ScopedRouteConfigurationKey,
    ScopedRouteConfigurationKeyFragment,
    VirtualHost,
)
from translators.envoy.names import cluster_name, inner_tables, table_name
from translators.envoy.parts import HostParts, Keywords, TableParts
from translators.envoy.path_matcher import first_where, path_matcher
from translators.envoy.path_tree import Branch, grow
from translators.envoy.redirects import direct_response
from translators.envoy.retries import REPEATABLE, retry_policy
from translators.envoy.scoped_routes import SCOPE_HEADER, SEARCH
from translators.model.backends import Target
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
"""Up to so many rules, a host's routes stay a list.

Envoy searches such a list in less than a microsecond, and people read it more easily in its config
dump."""


def is_long(plan: HostPlan) -> bool:
    """Return whether the host has more routes than a list should have."""
    return len(plan.everything) > LONG


def virtual_host(
    plan: HostPlan, host: str, route: Callable[[Rule], bytes], parts: HostParts | None = None
) -> bytes:
    """Encode the VirtualHost of a plan. `route` encodes a rule, or returns it as encoded before."""
    rules = plan.everything
    routes = [*(route(rule) for rule in rules), _not_found()]
    branches = [Branch(rule.path, bool(rule.conditions)) for rule in rules]
    tree = grow(branches) if is_long(plan) else None
    guard = [_guard()] if plan.guarded else []
    # The domain is "*", because the table has been chosen already. The Host of a request may still
    # have a port or capitals.
    head = encode(VirtualHost(name=host or "*", domains=["*"]))
    rest, tail = _without_routes(parts) if parts else _same_for_all_hosts()
    if tree is None:
        return splice(head, _VHOST_ROUTES, [*guard, *routes], rest + tail)
    matcher = path_matcher(tree, routes)
    if plan.guarded:
        matcher = first_where(_guarded(), _guard(), matcher)
    return splice(head + rest, _VHOST_MATCHER, [matcher], tail)


def route_table(
    tables: TableSet,
    host: str,
    virtual_host: bytes,
    origins: Iterable[Ref],
    *,
    filters: bool = True,
    of_listener: TableParts | None = None,
) -> Resource:
    """Encode a host's VirtualHost as the ScopedRouteConfiguration of its key.

    `origins` are the Ingresses whose rules are in it. `of_listener` is what policies of the
    listener add to each of its tables. Without `filters`, its requests pass none of
    the filters that stand in groups (`translators.envoy.filters`), so that they cost nothing.
    """
    name = table_name(tables, host)
    table = splice(
        encode(RouteConfiguration(name=name)),
        _TABLE_VHOSTS,
        [virtual_host],
        _behind_hosts(of_listener, filters=filters),
    )
    key = ScopedRouteConfigurationKey(
        fragments=[ScopedRouteConfigurationKeyFragment(string_key=name)]
    )
    scope = encode(ScopedRouteConfiguration(name=name, key=key))
    return Resource.of(name, scope + field(_SCOPE_TABLE, table), origins=tuple(sorted(origins)))


def inner_table(target: Target) -> Resource:
    """Make the table by which a filter asks a target, whatever the host and path are.

    The filter that asks takes the answer too, so its group stays on.
    """
    name = cluster_name(target)
    action = RouteAction(cluster=name, timeout=timedelta(0))
    route = encode(Route(name=f"inner {name}", match=RouteMatch(prefix=""), route=action))
    rest, tail = _same_for_all_hosts()
    head = encode(VirtualHost(name=name, domains=["*"]))
    host = splice(head, _VHOST_ROUTES, [route], rest + tail)
    return route_table(inner_tables(), name, host, ())


@cache
def _same_for_all_hosts() -> tuple[bytes, bytes]:
    """Encode once what `_without_routes` returns for hosts without policies, which are most."""
    return _without_routes(HostParts())


def _without_routes(parts: HostParts) -> tuple[bytes, bytes]:
    """Encode the fields of a VirtualHost between its routes and matcher, and those behind that."""
    fields: Keywords = {
        "request_headers_to_remove": [SCOPE_HEADER],
        "retry_policy": retry_policy(),
        "request_body_buffer_limit": REPEATABLE,
    }
    if parts.packed:
        fields["typed_per_filter_config"] = parts.packed
    fields = parts.virtual_host.over(fields)
    behind = {name: fields.pop(name) for name in _BEHIND_THE_MATCHER if name in fields}
    return encode(VirtualHost(**fields)), encode(VirtualHost(**behind))


@lru_cache(maxsize=64)
def _behind_hosts(parts: TableParts | None, *, filters: bool) -> bytes:
    """Encode once the fields of a RouteConfiguration behind its VirtualHosts."""
    off = (SEARCH,) if filters else (SEARCH, GROUP)
    switched_off = dict.fromkeys(off, pack(FilterConfig(disabled=True)))
    fields: Keywords = {
        # The default is true in SRDS: one unknown Cluster would make Envoy reject the response.
        "validate_clusters": False,
        "typed_per_filter_config": switched_off | (parts.packed if parts else {}),
    }
    return encode(RouteConfiguration(**(parts.table.over(fields) if parts else fields)))


@cache
def _guard() -> bytes:
    """Encode the first route of a host that restricts access: it refuses ambiguous paths.

    A backend may decode such a path, and so serve a request by a path that another rule restricts.
    """
    match = RouteMatch(safe_regex=RegexMatcher(regex=f".*{AMBIGUOUS_PATH}.*"))
    return encode(Route(name="guard", match=match, direct_response=direct_response(400, AMBIGUOUS)))


def _guarded() -> xds_matcher.MatcherMatcherListPredicate:
    """Return the same condition for the matcher of a tree. `:path` includes the query."""
    return header(":path", regex(f"[^?]*{AMBIGUOUS_PATH}.*"))


@cache
def _not_found() -> bytes:
    """Encode the last route of every VirtualHost, which answers 404.

    A request without a route has no per-route configuration. The filters that search for other
    tables would then run, although the host's own table was found.
    """
    match = RouteMatch(prefix="")
    return encode(Route(name="none", match=match, direct_response=direct_response(404, NOT_FOUND)))
