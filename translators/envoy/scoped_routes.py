"""Scoped routes: the lookup of a request's route table.

An early header mutation sets `x-fg-scope: SET|HOST` before anything else reads the request, and
overwrites a header of the client. The scope key is the part before a colon, so the port of HOST
does not count; the backend still gets it. The keys are tried in this order:

    SET|HOST            by Envoy itself
    SET|host            by Lua, if HOST has capitals
    SET|*.example.com   by Lua: the wildcard that covers HOST, for one label
    SET|*               by Lua

The Lua filters are disabled in every table, so they do not run if Envoy itself finds one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from translators.envoy.config_source import over_ads
from translators.envoy.header_edits import put
from translators.envoy.matching import header, only_where
from translators.envoy.messages import (
    DataSource,
    Lua,
    ScopedRds,
    ScopedRoutes,
    ScopeKeyBuilder,
    ScopeKeyFragment,
    ScopeKeyHeaderExtractor,
    XdsStringMatcher,
)
from translators.model.listeners import TableSet

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
    from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm


SCOPE_HEADER: Final = "x-fg-scope"

SEARCH: Final = "fleetgate.search"
"""The name of both filters that look for the table of a host without one of its own."""

_UNSURE: Final = ":"
"""The end of a scope that may have no table. It is not part of the key, as ports are not."""

_SEARCH: Final = """
local function ask(request, scope)
  request:headers():replace("x-fg-scope", scope)
  request:clearRouteCache()
end

local function is_found(request)
  request:metadata()
  return request:streamInfo():routeName() ~= ""
end

local function split(request)
  local scope = request:headers():get("x-fg-scope") or ""
  local set, host = string.match(scope, "^([^|]*|)([^:]*)")
  return set or "", host or ""
end
"""
"""Functions that both filters share.

`request:metadata()` makes Envoy look up the route, but only the first time in a filter. So each of
the two filters can check one scope. Every route has a name, so "" means that there is none."""

_FIRST: Final = f"""{_SEARCH}
function envoy_on_request(request)
  local set, asked = split(request)
  local host = string.lower(asked)
  local parent = string.match(host, "^[%w_-]+(%..+)$")
  if host ~= asked then
    ask(request, set .. host)
    if is_found(request) then return end
    ask(request, set .. "*" .. (parent or "") .. "{_UNSURE}")
  else
    if parent then
      ask(request, set .. "*" .. parent)
      if is_found(request) then return end
    end
    ask(request, set .. "*")
  end
end
"""

_SECOND: Final = f"""{_SEARCH}
function envoy_on_request(request)
  local set = split(request)
  if not is_found(request) then ask(request, set .. "*") end
end
"""


def set_scope(tables: TableSet) -> mutation_rules.HeaderMutation:
    """Build the early mutation that sets the scope, and overwrites a header of the client."""
    return put(SCOPE_HEADER, f"{tables}|%REQ(:AUTHORITY)%")


def scoped_routes(tables: TableSet) -> hcm.ScopedRoutes:
    """Configure the source of route tables, and the key of a request."""
    extractor = ScopeKeyHeaderExtractor(name=SCOPE_HEADER, element_separator=":", index=0)
    return ScopedRoutes(
        name=tables,
        scope_key_builder=ScopeKeyBuilder(
            fragments=[ScopeKeyFragment(header_value_extractor=extractor)]
        ),
        scoped_rds=ScopedRds(scoped_rds_config_source=over_ads()),
    )


def searches() -> Iterator[tuple[str, Any]]:  # messages of different types
    """Yield the filters that look for the table of a host without one of its own, in order."""
    yield SEARCH, _lua(_FIRST)
    unsure = header(SCOPE_HEADER, XdsStringMatcher(suffix=_UNSURE))
    yield SEARCH, only_where(unsure, "envoy.filters.http.lua", _lua(_SECOND))


def _lua(source: str) -> lua.Lua:
    return Lua(default_source_code=DataSource(inline_string=source))
