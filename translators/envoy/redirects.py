"""Answers that the gateway gives by itself: redirects, and responses without a backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from translators.envoy.header_edits import overwritten
from translators.envoy.messages import (
    DataSource,
    DirectResponseAction,
    RedirectAction,
    RedirectCode,
    RegexMatchAndSubstitute,
    RegexMatcher,
)
from translators.envoy.parts import Keywords
from translators.model.actions import Redirect

if TYPE_CHECKING:
    from envoy_data_plane.envoy.config.core import v3 as core
    from envoy_data_plane.envoy.config.route import v3 as schema

_CODES: Final[Mapping[int, RedirectCode]] = {
    301: RedirectCode.MOVED_PERMANENTLY,
    302: RedirectCode.FOUND,
    303: RedirectCode.SEE_OTHER,
    307: RedirectCode.TEMPORARY_REDIRECT,
    308: RedirectCode.PERMANENT_REDIRECT,
}
"""The statuses that Envoy's own redirects can have."""


_SCHEME: Final = "%REQ(X-FORWARDED-SCHEME)%"
"""The scheme that the client has used.

`translators.envoy.forwarded` sets the header, to the word of a trusted proxy if there is one.
A listener may leave out X-Forwarded-Proto, which is the same otherwise, before answers are made.
"""


def direct_response(status: int, body: str) -> schema.DirectResponseAction:
    """Build an answer of the gateway itself."""
    return DirectResponseAction(status=status, body=DataSource(inline_string=body))


def content_type(name: str) -> list[core.HeaderValueOption]:
    """Return the header of an answer of the gateway itself that is no plain text."""
    return [overwritten("content-type", name)] if name else []


def redirect(to: Redirect) -> Keywords:  # of Route
    """Return the `action` of a route that redirects.

    Of a redirect with another status than Envoy's own, all parts of the URL must be given but the
    path. A port needs a host, if both the path of the request and a new query are in the URL.
    """
    # Envoy has no redirect that keeps a path and replaces the query.
    if to.status not in _CODES or (to.extends and "?" in to.path):
        return _as_response(to)
    action: Keywords = {"response_code": _CODES[to.status]}
    if to.scheme == "https":
        action["https_redirect"] = True
    elif to.scheme:
        action["scheme_redirect"] = to.scheme
    if to.host:
        action["host_redirect"] = to.host
    if to.port:
        action["port_redirect"] = to.port
    if to.extends:
        whole = RegexMatcher(regex="^(.*)$")
        action["regex_rewrite"] = RegexMatchAndSubstitute(pattern=whole, substitution=to.path)
    elif to.path:
        action["path_redirect"] = to.path
    if not to.keeps_query:
        action["strip_query"] = True
    return {"redirect": RedirectAction(**action)}


def _as_response(to: Redirect) -> Keywords:
    """Build the redirect as a response with the header Location."""
    port = f":{to.port}" if to.port else ""
    path = to.path.replace("%", "%%") if to.path else "%REQ(:PATH)%"
    if to.extends:
        path = path.replace(r"\1", "%PATH(NQ)%")
    scheme, host = to.scheme or _SCHEME, to.host or "%REQ(:AUTHORITY)%"
    location = overwritten("location", f"{scheme}://{host}{port}{path}")
    return {
        "direct_response": DirectResponseAction(status=to.status),
        "response_headers_to_add": [location],
    }
