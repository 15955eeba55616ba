"""Paths of Ingresses are translated into the spelling that requests have."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote

from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.values import pattern
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

_SPECIAL: Final = re.compile(r"[\\+*?()|\[\]{}^$]")
"""Characters that make a path a pattern. A dot does not: most paths with a dot are file names."""

_PATTERN: Final = re.compile(r"/[\x21-\x7e]{0,4095}")

_SEGMENT: Final = re.compile(
    r"(?:\[\^/\]|\[(?:[A-Za-z0-9]-[A-Za-z0-9]|[\w.-])+\]|\\[dw])[*+](?=\)*/)"
)
"""A repetition that ends at the next slash, such as `[^/]+` before a slash."""

_REST: Final = re.compile(r"(?:\(/?\.[*+]\)[?]?|\.[*+])\$?$")
"""A repetition that takes the rest of a path, such as `(.*)` or `(/.*)?`."""

_REPETITION: Final = re.compile(r"[*+{]")

NORMALISED: Final = "requests are normalised before they are routed, so nothing would match it"
"""The effect of a path that no request can have, for problems."""


@dataclass(frozen=True, slots=True)
class PathReading:
    """How the annotations of an Ingress want its paths to be read.

    With `regex`, all paths are RE2 patterns, and with `special` those that look like patterns. A
    pattern matches the beginning of a path, or with `whole` all of it.
    """

    regex: bool = False
    special: bool = False
    whole: bool = False
    ignore_case: bool = False

    def read(self, kind: PathKind, text: str) -> Path:
        """Read a path. `kind` is the one that it has unless it is a pattern."""
        if self.is_regex(text):
            return regex_path(text, whole=self.whole, ignore_case=self.ignore_case)
        path = plain_path(kind, text)
        has_cases = self.ignore_case and path.value.lower() != path.value.upper()
        return replace(path, ignore_case=True) if has_cases else path

    def is_regex(self, text: str) -> bool:
        """Return whether the text of a path is a pattern."""
        if text in {"", "/"} and not self.whole:
            return False  # every path starts so; as a prefix it stands behind all patterns
        return self.regex or (self.special and _SPECIAL.search(text) is not None)


PLAIN: Final = PathReading()
"""The reading of paths without annotations."""


def either_way(read: Callable[..., Path]) -> Callable[[str, str], Path]:
    """Make the reading of a canary's paths, whose main rule decides whether one is a pattern.

    `read` takes the type and the text of a path, and a PathReading as `reading`.
    """

    def path(path_type: str, text: str) -> Path:
        try:
            return read(path_type, text, reading=PLAIN)
        except Unusable:
            return read(path_type, text, reading=PathReading(special=True))

    return path


def regex_path(text: str, *, whole: bool = False, ignore_case: bool = False) -> Path:
    """Read a pattern for paths. Groups keep their numbers."""
    if not _PATTERN.fullmatch(text):
        raise Unusable("a pattern that starts with /, in ASCII and without blanks")
    # Requests have capitals in their escapes.
    spelt = _ESCAPE.sub(lambda found: found[0].upper(), text)
    form = f"({'?i' if ignore_case else '?'}:{{}}){'' if whole else '.*'}"
    found = pattern(spelt, form)
    return Path(
        PathKind.REGEX,
        found.regex,
        written=text,
        instructions=found.instructions,
        short_only=not is_linear(spelt),
    )


def is_linear(text: str) -> bool:
    """Return whether a pattern is sure to cost little, however long a path is.

    The automaton of a pattern can become large only if something follows a repetition that the
    repetition may take too. Then a match costs time for each byte and instruction.
    """
    return _REPETITION.search(_SEGMENT.sub("", _REST.sub("", text))) is None


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
