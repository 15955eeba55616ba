"""The annotations `use-regex` and `rewrite-target`: regexes as paths, and other paths."""

import re
from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Reader, alb
from translators.dialects.annotations.rewrite import rewrite_feature, target
from translators.dialects.annotations.values import boolean
from translators.dialects.paths import PathReading

USE_REGEX: Final = alb(
    "use-regex",
    "`true`: a path of the type Prefix is a regex of RE2 for the beginning of a path, in which no "
    "case counts",
    default="`false`",
    example="true",
)

TARGET: Final = alb(
    "rewrite-target",
    "the path that the backend gets instead of the whole path; `${1}` to `${9}` are the groups of "
    "the path's regex; the query stays; it switches `use-regex` on",
    example="/${2}",
)

_GROUP: Final = re.compile(r"\$\{([1-9])\}")


def _read_regex(reader: Reader, wanted: Wanted) -> None:
    if reader.read(USE_REGEX, boolean):
        wanted.paths = _regex(wanted.paths)


def _regex(paths: PathReading, _: str = "") -> PathReading:
    return replace(paths, regex=True, ignore_case=True)


def _target(text: str) -> str:
    return target(_GROUP.sub(r"$\1", text))


REGEX: Final = Feature("Regex paths", (USE_REGEX,), _read_regex)

REWRITE: Final = rewrite_feature(TARGET, _target, _regex)
