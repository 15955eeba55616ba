"""Targets of rewrites that begin with a group of a pattern: the new path begins with a slash.

    /api(/.*)    $1     the group begins with one
    /api/(.*)    $1     /$1
    /api(.*)     $1     as /api(/.*|$): /apix is no path below /api, and is not rewritten

Without this, a client could ask for `/api/http://other/x`, and the backend would read
`GET http://other/x`, a request for another host.
"""

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"\\Q.*?(?:\\E|$)|\\."  # quoted text
    r"|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]"  # a class of characters
    r"|\((?:\?(?!P?<)[^:)]*:?)?|.",
    re.DOTALL,
)
_NAME: Final = re.compile(r"\?P?<\w+>")

_SLASH: Final = re.compile(r"/(?![?*{])")
"""The begin of an alternative that has a slash for sure."""

_ANYTHING: Final = {".*": "/.*|$", ".+": "/.*"}
"""What a group that takes anything takes if it takes a slash first."""


class _Group(NamedTuple):
    """The place of a group in its pattern, and its alternatives."""

    begin: int
    end: int
    alternatives: tuple[str, ...]


def with_slash(pattern: str, number: int, target: str) -> tuple[str, str] | None:
    """Return pattern and target so that a target which begins with this group makes a path.

    None if no slash can be had.
    """
    group = _group(pattern, number)
    if group is None:
        return None
    if all(not each or each == "$" or _SLASH.match(each) for each in group.alternatives):
        is_path = _is_path_without(group, pattern[group.end + 1 :], target[2:])
        return (pattern, target) if is_path else None
    before = pattern[: group.begin]
    if before.rpartition("(")[0].endswith("/"):
        return pattern, f"/{target}"
    below = _ANYTHING.get(pattern[group.begin : group.end])
    return (f"{before}{below}{pattern[group.end :]}", target) if below else None


def _is_path_without(group: _Group, behind: str, rest: str) -> bool:
    """Return whether the rest of the target makes a path, or nothing, if the group is empty.

    Behind a group that is empty at the end of a path alone, all other groups are empty too.
    """
    if not rest or rest.startswith("/"):
        return True
    if "" in group.alternatives or behind.startswith(("?", "*", "{")):
        return False
    return "$" not in group.alternatives or rest.startswith("$")


def _group(pattern: str, number: int) -> _Group | None:
    """Find a group by its number. O(length of the pattern)."""
    count = 0
    open_groups: list[list[int]] = []  # the number, or 0, and the begin of each alternative
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text.startswith("("):
            captures = text == "("
            count += captures
            name = _NAME.match(pattern, token.end())
            open_groups.append([count if captures else 0, name.end() if name else token.end()])
        elif text == "|" and open_groups:
            open_groups[-1].append(token.end())
        elif text == ")" and open_groups:
            found, *begins = open_groups.pop()
            if found == number:
                ends = [*(begin - 1 for begin in begins[1:]), token.start()]
                parts = tuple(pattern[b:e] for b, e in zip(begins, ends, strict=True))
                return _Group(begins[0], token.start(), parts)
    return None
