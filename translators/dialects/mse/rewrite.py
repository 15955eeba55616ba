"""The annotations `rewrite-target` and `upstream-vhost`: path and Host that the backend gets."""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import re2

from translators.dialects.annotations.feature import Feature, Wanted, rule_feature
from translators.dialects.annotations.reader import Reader, Unusable, shared
from translators.dialects.annotations.values import NGINX_VARIABLE
from translators.model.actions import Forward
from translators.model.paths import Path, PathKind
from translators.model.rules import Rule
from translators.policies.rewrite import BackendHost, PathRewrite

TARGET: Final = shared(
    "rewrite-target",
    "the path that the backend gets instead of the whole path; `$1` to `$9` are the groups of the "
    "path's pattern; the query stays",
    differs="it makes patterns of the paths of its own Ingress only; no variables of NGINX",
    example="/$2",
)

VHOST: Final = shared(
    "upstream-vhost",
    "the Host that the backend gets, with a port or without",
    default="the Host of the request",
    differs="no variables of NGINX",
    example="shop.internal",
)

_TARGET: Final = re.compile(
    r"(?:/|\$[1-9])(?:[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e\xa0-\ud7ff\ue000-\U0010ffff])*"
)
"""Printable characters, without blank, backslash, "?" and "#"."""

_GROUP: Final = re.compile(r"\$([1-9])")

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


def rewrite(path: Path, to: str) -> PathRewrite:
    """Make the rewrite of a rule's path. A group that its pattern lacks is empty."""
    groups = re2.compile(path.value).groups if path.kind is PathKind.REGEX else 0
    substitution = _GROUP.sub(lambda found: rf"\{found[1]}" if int(found[1]) <= groups else "", to)
    return PathRewrite(path.value if path.kind is PathKind.REGEX else _WHOLE, substitution)


def _read_rewrite(reader: Reader, wanted: Wanted) -> None:
    to = reader.read(TARGET, target)
    if to is None:
        return
    names_groups = _GROUP.search(to) is not None
    wanted.paths = replace(wanted.paths, regex=wanted.paths.regex or names_groups, special=True)
    wanted.changes.append(lambda rule: _rewritten(rule, to))


def _rewritten(rule: Rule, to: str) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    return replace(rule, policies=(*rule.policies, rewrite(rule.path, to)))


def host(text: str) -> str:
    """Read a Host with a port or without."""
    found = _HOST.fullmatch(text) if len(text) <= 255 else None
    if found and 1 <= int(found["port"] or 1) <= 65535:
        return text
    raise Unusable("a host name or address with a port or without, and without variables of NGINX")


def _at_host(rule: Rule, to: str) -> Rule:
    return replace(rule, policies=(*rule.policies, BackendHost(to)))


REWRITE: Final = Feature("Rewrite of paths", (TARGET,), _read_rewrite)

BACKEND_HOST: Final = rule_feature(
    "Host for backends", (VHOST,), lambda reader: reader.read(VHOST, host), _at_host
)
