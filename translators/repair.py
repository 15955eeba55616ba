"""What is put right in a request before it is routed: escapes in the path.

They are spelt with capitals (RFC 3986 section 6.2.2.1), which Envoy's own normalisation leaves out:
`%c3%a9` and `%C3%A9` are one path, for rules too. The query stays as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.matching import all_of, header, only_where, regex
from translators.messages import DataSource, Lua, XdsStringMatcher

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching

_LOWER: Final = "[^?]*%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f]).*"

_CAPITALS: Final = """
function envoy_on_request(request)
  local target = request:headers():get(":path") or ""
  local path, query = string.match(target, "^([^?]*)(.*)$")
  local spelt = string.gsub(path, "%%%x%x", string.upper)
  if spelt ~= path then
    request:headers():replace(":path", spelt .. query)
    request:clearRouteCache()
  end
end
"""


def repair() -> matching.ExtensionWithMatcher:
    """The filter; it is made for each request, and what it runs only for those that need it."""
    capitals = Lua(default_source_code=DataSource(inline_string=_CAPITALS))
    escapes = header(":path", XdsStringMatcher(contains="%"))
    lower = all_of(escapes, header(":path", regex(_LOWER)))
    return only_where(lower, "envoy.filters.http.lua", capitals)
