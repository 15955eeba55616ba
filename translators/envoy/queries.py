"""Another query for a request on its way to the backend, as a route asks for it.

Envoy's rewrites of a route keep the query, and its other filters may not change `:path`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import DataSource, Lua, LuaPerRoute
from xds.wire import struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua

_SOURCE: Final = "query"

_REPLACE: Final = """
function envoy_on_request(request)
  local headers = request:headers()
  local path = string.match(headers:get(":path") or "", "^[^?]*")
  headers:replace(":path", path .. request:filterContext():get("query"))
end
"""


def replace_queries() -> lua.Lua:
    """Configure the filter, which waits for routes that name its source."""
    # The query of the client has chosen the route. By default, Envoy would choose again by the new
    # one, which could lead past limits and access rules.
    source = DataSource(inline_string=_REPLACE)
    return Lua(source_codes={_SOURCE: source}, clear_route_cache=False)


def other_query(query: str) -> lua.LuaPerRoute:
    """Configure the filter for a route. An empty query takes the question mark away too."""
    context = struct({"query": f"?{query}" if query else ""})
    return LuaPerRoute(name=_SOURCE, filter_context=context)
