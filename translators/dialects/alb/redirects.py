"""The actions Redirect and Rewrite, in which `${host}` and the like are parts of the request."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from translators.dialects.alb.blocks import Fields
from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.rewrite import host
from translators.dialects.annotations.values import integer, one_of
from translators.model.actions import Redirect
from translators.model.listeners import MAX_PORT
from translators.model.policy import Policy
from translators.policies.rewrite import BackendHost, PathRewrite, QueryRewrite

_STATUSES: Final = ("301", "302", "303", "307", "308")

_PATH: Final = re.compile(r"/[\x21\x24-\x3b\x3d\x40-\x5b\x5d\x5f\x61-\x7a\x7e]{0,4095}")
"""The path of a URL in ASCII as RFC 3986 has it."""

_QUERY: Final = re.compile(r"[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]{0,4095}")

T = TypeVar("T")

_VARIABLE: Final = "${"

_WHOLE: Final = "^(.*)$"

_GROUP: Final = r"\1"
"""The path of the request in that of a new URL."""


def redirect(config: Fields) -> Redirect:
    """Read a redirect, which must change something."""
    status = int(one_of(*_STATUSES)(config.text("httpCode", "301")))
    to = _given(config, "host", host)
    port = _given(config, "port", integer(1, MAX_PORT))
    scheme = _given(config, "protocol", lambda text: one_of("http", "https")(text.lower()))
    path = _given(config, "path", _path)
    query = _given(config, "query", _query)
    if not (to or port or scheme or path or query is not None):
        raise Unusable("another host, port, protocol, path or query, or else it leads to itself")
    if to and port and _has_port(to):
        raise Unusable("the port in the host or in a field of its own, and not in both")
    if query and port and not to and _keeps(path):
        raise Unusable("a host beside the port, where the query changes and the path stays")
    located = path or ""
    if query is not None:
        located = f"{path or _GROUP}?{query}" if query else path or _GROUP
    return Redirect(
        status,
        scheme or "",
        (to or "").lower(),
        port or 0,
        located,
        keeps_query=query is None,
        extends=_GROUP in located,
    )


def rewrite(config: Fields) -> tuple[Policy, ...]:
    """Read what a backend gets instead of the host, the path and the query of the request."""
    to = _given(config, "host", host)
    path = _given(config, "path", _path)
    query = _given(config, "query", _query)
    made: list[Policy] = [BackendHost(to)] if to else []
    if path:
        made.append(PathRewrite(_WHOLE, path))
    if query is not None:
        made.append(QueryRewrite(query))
    if not made:
        raise Unusable("another host, path or query")
    return tuple(made)


def _has_port(to: str) -> bool:
    """Return whether a host ends with a port. The address of a host has brackets if it is IPv6."""
    return ":" in to.rpartition("]")[2]


def _keeps(path: str | None) -> bool:
    """Return whether the path of the request is in the new URL.

    Envoy's redirects cannot keep a path beside a new query. Such a redirect is an answer with a URL
    that is put together of parts of the request, and the request's host may have a port already.
    """
    return path is None or _GROUP in path


def _given(config: Fields, name: str, read: Callable[[str], T]) -> T | None:
    """Read a field; None if it is absent, or stays as in the request."""
    variable = f"${{{name}}}"
    text = config.text(name, variable)
    return None if text == variable else read(text)


def _path(text: str) -> str:
    """Read a path, in which `${path}` stands for that of the request."""
    bare = text.replace("${path}", "")
    if _VARIABLE in bare or not _PATH.fullmatch(bare if bare.startswith("/") else f"/{bare}"):
        raise Unusable("a path in ASCII, in which ${path} may stand for that of the request")
    if not text.startswith(("/", "${path}")):
        raise Unusable("a path that starts with / or ${path}")
    return text.replace("${path}", _GROUP)


def _query(text: str) -> str:
    if _VARIABLE in text or not _QUERY.fullmatch(text):
        raise Unusable("${query}, or a query in ASCII as requests spell it")
    return text
