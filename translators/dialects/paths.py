"""Paths as people write them, and as requests carry them."""

import re
from typing import Final
from urllib.parse import quote, unquote

from translators.dialects.annotations.reader import Unusable
from translators.model.paths import Path, PathKind

_PATH: Final = re.compile(
    r"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff]{0,4095}"
)
"""Printable without blank and backslash, and without "?" and "#", which end a path."""

_RESPELT: Final = re.compile(
    r'["<>^`{|}\xa0-\U0010ffff]'
    "|%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"  # letters, digits, - . _ ~
)
"""What Envoy, and clients before it, spell otherwise in requests."""

_STRAY: Final = re.compile("%(?![0-9A-Fa-f]{2})(?=(?:[0-9A-Fa-f]|%3[0-9]|%[46][1-6]){2})")
"""A "%" that begins no escape but would, were what follows decoded: Envoy makes it %25."""

_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")

_UNREACHABLE: Final = re.compile(r"/\.\.?(?:[/;]|$)|%00")
"""What Envoy normalises away in requests before it looks for a route, or refuses."""

_AMBIGUOUS: Final = re.compile("//|%2F|%5C")
"""What strict normalisation takes away, as `Path` says."""

NORMALISED: Final = "requests are normalised before they are routed, so nothing would match it"
"""What follows for a path that no request has."""


def plain_path(kind: PathKind, text: str) -> Path:
    """A path as requests carry it; a prefix is kept without its trailing slash."""
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
    """Whether a backend may read the path, spelt as requests have it, in two ways."""
    return _AMBIGUOUS.search(path) is not None


def as_requested(path: str) -> str:
    """The path as it is in requests when they are routed; Unusable where it never is.

    Envoy normalises them before that; `translators.envoy.repair` turns the letters of escapes into
    capitals.
    """
    seen = _RESPELT.sub(lambda found: quote(unquote(found[0])), _STRAY.sub("%25", path))
    if _UNREACHABLE.search(seen):
        raise Unusable("a path without /./, /../, /.;, /..; and %00", NORMALISED)
    return _ESCAPE.sub(lambda found: found[0].upper(), seen)
