"""Paths of the ALB dialect: exact paths, prefixes, patterns with wildcards, and regexes."""

import re
from typing import Final

from translators.dialects.annotations.reader import Unusable
from translators.dialects.annotations.values import pattern
from translators.dialects.paths import (
    PLAIN,
    PathReading,
    as_requested,
    is_ambiguous,
    plain_path,
    regex_path,
)
from translators.model.paths import Path, PathKind

_WILDCARDS: Final = {"*": ".*", "?": "."}

_PATTERN: Final = re.compile(r"/[\x21\x22\x24-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff]{0,4095}")
"""Printable characters, without blank, backslash and "#"."""

_REGEX: Final = "~*"


def alb_path(path_type: str, text: str, reading: PathReading = PLAIN) -> Path:
    """Read a path. An ImplementationSpecific path is a pattern, or exact if it has no wildcards.

    `reading` says how the annotations of the Ingress want prefixes to be read.
    """
    if path_type == "Prefix" or not text:
        return reading.read(PathKind.PREFIX, _anchored(text) if reading.is_regex(text) else text)
    if path_type == "Exact" and not _WILDCARDS.keys().isdisjoint(text):
        raise Unusable("a path without * and ?, which are for pathType ImplementationSpecific")
    return _with_wildcards(text)


def pattern_path(text: str) -> Path:
    """Read a path of a condition: with wildcards, or behind `~*` a regex in which no case counts.

    A regex is compared with the beginning of a path.
    """
    if text.startswith(_REGEX):
        return regex_path(_anchored(text.removeprefix(_REGEX).lstrip()), ignore_case=True)
    return _with_wildcards(text)


def _anchored(text: str) -> str:
    """Return a regex without the sign for the beginning, where it is compared in any case."""
    return text.removeprefix("^")


def _with_wildcards(text: str) -> Path:
    if _WILDCARDS.keys().isdisjoint(text):
        return plain_path(PathKind.EXACT, text)
    if not _PATTERN.fullmatch(text):
        raise Unusable("a path that starts with /, without blank, backslash and #")
    seen = as_requested(text)
    parts = (_WILDCARDS.get(character) or re.escape(character) for character in seen)
    found = pattern("".join(parts), "{}")
    return Path(
        PathKind.REGEX,
        found.regex,
        written=text if seen != text else "",
        ambiguous=is_ambiguous(seen),
        instructions=found.instructions,
        # A "?" behind a "*" makes RE2 count characters behind a run of any length. Only then its
        # automaton becomes large, and the cost of a match grows with the length of the path.
        short_only="?" in seen.partition("*")[2],
    )
