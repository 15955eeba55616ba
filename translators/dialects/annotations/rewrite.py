"""The annotation `rewrite-target`, and texts for the path and the Host that a backend gets."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import re2

from fleet.problem import Problem
from translators.dialects.annotations.feature import Feature, Wanted, with_policy
from translators.dialects.annotations.leading_groups import with_slash
from translators.dialects.annotations.reader import Found, Key, Reader, Unusable
from translators.dialects.annotations.values import NGINX_VARIABLE
from translators.dialects.paths import PathReading
from translators.model.actions import Forward
from translators.model.paths import Path, PathKind
from translators.model.rules import Rule
from translators.policies.rewrite import PathRewrite

_TARGET: Final = re.compile(
    r"(?:/|\$[1-9])(?:[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff])*"
)
"""Printable characters, without blank, backslash, "?" and "#"."""

GROUP: Final = re.compile(r"\$([1-9])")
"""A group in a target."""

_LONGEST: Final = 4096

_HOST: Final = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)

_WHOLE: Final = "^.*$"
"""A pattern that Envoy replaces once. It would find `.*` a second time, at the end."""


def target(text: str) -> str:
    """Read a path with groups of a pattern in it."""
    if NGINX_VARIABLE.search(text):
        raise Unusable("a path without variables of NGINX; $1 to $9 stand for groups of the path")
    if len(text) > _LONGEST or not _TARGET.fullmatch(text):
        raise Unusable("a path that starts with / or a group, without blank, backslash, ? and #")
    return quote(text, safe="/%:@!$&'()*+,;=~[]\"<>^`{|}")


def rewrite(path: Path, to: str) -> PathRewrite | None:
    """Make the rewrite of a rule's path; None if it would make no path.

    A group that the path's pattern lacks is empty.
    """
    is_pattern = path.kind is PathKind.REGEX
    groups = re2.compile(path.value).groups if is_pattern else 0
    to = GROUP.sub(lambda found: found[0] if int(found[1]) <= groups else "", to)
    pattern = path.value if is_pattern else _WHOLE
    if first := GROUP.match(to):
        changed = with_slash(pattern, int(first[1]), to)
        if changed is None:
            return None
        pattern, to = changed
    elif not to.startswith("/"):
        return None
    return PathRewrite(pattern, GROUP.sub(r"\\\1", to))


def rewrite_feature(
    key: Key, read: Callable[[str], str], reading: Callable[[PathReading, str], PathReading]
) -> Feature:
    """Make the feature for a dialect.

    `read` reads the target, with groups as `target` has them. `reading` says how paths are read
    beside this target.
    """

    def add(reader: Reader, wanted: Wanted) -> None:
        found = reader.find(key, read)
        if found is not None:
            to = found.value
            wanted.paths = reading(wanted.paths, to)
            wanted.changes.append(lambda rule: _rewritten(rule, to))
            wanted.checks.append(lambda rule: _without_slash(rule, found))

    return Feature("Rewrite of paths", (key,), add)


def _rewritten(rule: Rule, to: str) -> Rule:
    made = rewrite(rule.path, to)
    return with_policy(rule, made) if made else rule


def _without_slash(rule: Rule, found: Found[str]) -> Problem | None:
    """Report a target that makes no path of the rule's path."""
    if not isinstance(rule.action, Forward) or rewrite(rule.path, found.value):
        return None
    path = rule.path.written or rule.path.value
    expected = f"a path that starts with /, or with a group that does so in {path}"
    effect = f"{path} is not rewritten"
    return Problem(rule.origin, "InvalidAnnotation", found.spelling, found.text, expected, effect)


def host(text: str) -> str:
    """Read a Host with a port or without."""
    found = _HOST.fullmatch(text) if len(text) <= 255 else None
    if found and 1 <= int(found["port"] or 1) <= 65535:
        return text
    raise Unusable("a host name or address with a port or without, and without variables of NGINX")
