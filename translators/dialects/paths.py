"""Paths of Ingresses are translated into the spelling that requests have."""

import re
from typing import Final
from urllib.parse import quote, unquote

from translators.dialects.annotations.reader import Unusable
from translators.model.paths import Path, PathKind

_PATH: Final = re.compile(
    r"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff]{0,4095}"
)
"""Printable characters, without blank, backslash, "?" and "#". The last two end a path."""

_RESPELT: Final = re.compile(
    r'["<>^`{|}\xa0-\U0010ffff]'
    "|%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"  # letters, digits, - . _ ~
)
"""Characters and escapes that Envoy, or a client before it, spells otherwise in requests."""

_STRAY: Final = re.compile("%(?![0-9A-Fa-f]{2})(?=(?:[0-9A-Fa-f]|%3[0-9]|%[46][1-6]){2})")
"""A "%" that begins no escape, but would begin one if the text behind it were decoded.

Envoy turns it into %25."""

_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")

_UNREACHABLE: Final = re.compile(r"/\.\.?(?:[/;]|$)|%00")
"""Segments that Envoy removes from a path before it looks for a route, and text that it refuses."""

_AMBIGUOUS: Final = re.compile("//|%2F|%5C")
"""Text that a backend may read as one slash. Strict normalisation removes it from requests."""

NORMALISED: Final = "requests are normalised before they are routed, so nothing would match it"
"""The effect of a path that no request can have, for problems."""


def plain_path(kind: PathKind, text: str) -> Path:
    """Read an exact path or a prefix. Raises Unusable for a path that no request can have."""
    declared = text or "/"
    if not _PATH.fullmatch(declared):
        raise Unusable("a path that starts with /, without blank, backslash, ? and #")
    path = as_requested(declared)
    written = declared if path != declared else ""
    if kind is PathKind.PREFIX and path.endswith("//"):
        raise Unusable("a prefix that ends with one / at most")
    if kind is PathKind.PREFIX and path != "/":
        path = path.removesuffix("/")
    return Path(kind, path, written, is_ambiguous(path))


def is_ambiguous(path: str) -> bool:
    """Return whether a backend may read the path, spelled as in requests, in two ways."""
    return _AMBIGUOUS.search(path) is not None


def as_requested(path: str) -> str:
    """Return the path as requests have it when they are routed. Raises Unusable if none can.

    Envoy normalises the paths of requests before, and `translators.envoy.repair` capitalises the
    letters of their escapes.
    """
    seen = _RESPELT.sub(lambda found: quote(unquote(found[0])), _STRAY.sub("%25", path))
    if _UNREACHABLE.search(seen):
        raise Unusable("a path without /./, /../, /.;, /..; and %00", NORMALISED)
    return _ESCAPE.sub(lambda found: found[0].upper(), seen)
