"""Questions: requests to a service that allows other requests or refuses them.

Envoy's filter for external authorization asks with the method and the host of the request that
waits, and takes 200 alone for a yes. Filters of the service's Cluster make the question that the
service expects, and the answer that Envoy expects:

    2xx          the request is allowed
    401, 403     it is refused, and the client gets this answer
    all others   it is refused with 500

The header `x-fg-auth` of a question holds the method and the host. In an answer of 401, it tells
the filter that sends clients to a sign-in page (`translators.envoy.sign_in`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from translators.envoy.messages import DataSource, HttpFilter, Lua, UpstreamCodec
from xds.wire import pack

if TYPE_CHECKING:
    from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm

QUESTION: Final = "x-fg-auth"

_SCRIPT: Final = f"""
function envoy_on_request(question)
  local headers = question:headers()
  local method, host = string.match(headers:get("{QUESTION}") or "", "^(%u+) (.+)$")
  if method == nil then return end
  headers:replace(":method", method)
  headers:replace(":authority", host)
  headers:remove("{QUESTION}")
end

function envoy_on_response(answer)
  local headers = answer:headers()
  local status = headers:get(":status")
  headers:remove("{QUESTION}")
  if string.match(status, "^2") then
    headers:replace(":status", "200")
  elseif status == "401" then
    headers:add("{QUESTION}", "refused")
  elseif status ~= "403" then
    headers:replace(":status", "500")
  end
end
"""


@cache
def question_filters() -> list[hcm.HttpFilter]:
    """Return the upstream filters of the Cluster of a service that is asked."""
    script = Lua(default_source_code=DataSource(inline_string=_SCRIPT))
    return [
        HttpFilter(name="question", typed_config=pack(script)),
        HttpFilter(name="codec", typed_config=pack(UpstreamCodec())),
    ]
