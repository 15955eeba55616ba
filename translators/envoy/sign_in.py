"""Sign-in pages: a client that an authorization service refuses with 401 is sent to a page.

The page's URL can contain variables in the notation of NGINX, whose values the request gives. One
script serves all routes. A route that wants it names it, and gives it the URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.messages import DataSource, Lua, LuaPerRoute
from translators.envoy.questions import QUESTION
from xds.wire import struct

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.http.lua import v3 as lua

SIGN_IN: Final = "fleetgate.sign_in"
"""The name of the filter, and of its metadata."""

VARIABLES: Final = (
    *("host", "http_host", "best_http_host", "scheme", "pass_access_scheme"),
    *("request_uri", "escaped_request_uri", "request_method"),
)
"""The variables that the script knows."""

_SCRIPT: Final = "sign_in"

_SOURCE: Final = rf"""
local function escaped(text)
  return (string.gsub(text, "[^%w%-._~]", function(c)
    return string.format("%%%02X", string.byte(c))
  end))
end

function envoy_on_request(request)
  local headers = request:headers()
  local host, path = headers:get(":authority") or "", headers:get(":path") or "/"
  local scheme = headers:get("x-forwarded-proto") or "http"
  local values = {{
    host = string.lower((string.gsub(host, ":%d+$", ""))), http_host = host, best_http_host = host,
    scheme = scheme, pass_access_scheme = scheme, request_method = headers:get(":method"),
    request_uri = path, escaped_request_uri = escaped(path),
  }}
  local page = string.gsub(request:filterContext():get("page"), "%$([a-z_]+)", values)
  request:streamInfo():dynamicMetadata():set("{SIGN_IN}", "page", page)
end

function envoy_on_response(response)
  local headers = response:headers()
  if headers:get("{QUESTION}") == nil then return end
  headers:remove("{QUESTION}")
  local noted = response:streamInfo():dynamicMetadata():get("{SIGN_IN}")
  if noted == nil or headers:get(":status") ~= "401" then return end
  headers:replace(":status", "302")
  headers:replace("location", noted["page"])
  headers:remove("www-authenticate")
end
"""


def sign_in() -> lua.Lua:
    """Configure the filter, which does nothing on a route that does not name its script."""
    return Lua(source_codes={_SCRIPT: DataSource(inline_string=_SOURCE)})


def send_to(page: str) -> lua.LuaPerRoute:
    """Configure the filter for a route."""
    return LuaPerRoute(name=_SCRIPT, filter_context=struct({"page": page}))
