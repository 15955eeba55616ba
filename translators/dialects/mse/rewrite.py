"""The annotations `rewrite-target` and `upstream-vhost`: path and Host that the backend gets."""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import shared
from translators.dialects.annotations.rewrite import GROUP, host, rewrite_feature, target
from translators.dialects.paths import PathReading
from translators.model.rules import Rule
from translators.policies.rewrite import BackendHost

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


def _reading(paths: PathReading, to: str) -> PathReading:
    names_groups = GROUP.search(to) is not None
    return replace(paths, regex=paths.regex or names_groups, special=True)


def _at_host(rule: Rule, to: str) -> Rule:
    return replace(rule, policies=(*rule.policies, BackendHost(to)))


REWRITE: Final = rewrite_feature(TARGET, target, _reading)

BACKEND_HOST: Final = rule_feature(
    "Host for backends", (VHOST,), lambda reader: reader.read(VHOST, host), _at_host
)
