"""Repair of a request before it is routed: the escapes in its path, and its X-Request-ID.

The letters of escapes become capitals (RFC 3986 section 6.2.2.1), because `%c3%a9` and `%C3%A9` are
the same path, and Envoy's own normalisation does not unify them. The query is left as it is. An
X-Request-ID is kept if it is a token of at most 128 characters, and is replaced otherwise. Envoy
itself makes one for a request without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from translators.envoy.header_edits import put
from translators.envoy.matching import all_of, do, header, no, regex, where
from translators.envoy.messages import (
    Composite,
    DataSource,
    HeaderMutation,
    HeaderMutationMutations,
    Lua,
    XdsStringMatcher,
)

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.common.matching import v3 as matching

_ID: Final = "[!#-'*+.0-9A-Z^-z|~-]{1,128}"
"""A token of RFC 9110 section 5.6.2."""

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
    """Configure the filter, which does nothing to a request that needs no repair."""
    capitals = Lua(default_source_code=DataSource(inline_string=_CAPITALS))
    new_id = HeaderMutation(
        mutations=HeaderMutationMutations(request_mutations=[put("x-request-id", "%UNIQUE_ID%")])
    )
    spell = ("envoy.filters.http.lua", capitals)
    rename = ("envoy.filters.http.header_mutation", new_id)
    escapes = header(":path", XdsStringMatcher(contains="%"))
    cases = [
        (no(header("x-request-id", regex(_ID))), do(rename, spell)),
        (all_of(escapes, header(":path", regex(_LOWER))), do(spell)),
    ]
    return where(cases, "envoy.filters.http.composite", Composite())
