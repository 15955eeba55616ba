"""The annotations that say how the paths of an Ingress are compared with those of requests."""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Reader, own, shared
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.values import boolean

USE_REGEX: Final = shared(
    "use-regex",
    "`true`: the paths are patterns of RE2 for the beginning of a path, whatever their type; so "
    "they are with a `rewrite-target` that names groups, and so is a path with special characters "
    "(other than a dot) beside any `rewrite-target`",
    default="`false`",
    differs="for the paths of its own Ingress only; patterns are those of RE2, and case counts",
    example="true",
)

FULL_REGEX: Final = own(
    "full-path-regex",
    "`true`: the same, but for the whole path instead of its beginning",
    default="`false`",
    example="true",
)

IGNORE_CASE: Final = own(
    "ignore-path-case",
    "`true`: the case of letters in paths does not count",
    default="`false`",
    example="true",
)


def read(reader: Reader, wanted: Wanted) -> None:
    """Say how paths are read."""
    effect = Without.narrowed(is_canary=wanted.split is not None)
    whole = reader.read(FULL_REGEX, boolean, effect)
    if reader.is_unread(FULL_REGEX) or (whole is None and reader.has(FULL_REGEX)):
        wanted.unusable.add(Without.NARROWED)
    wanted.paths = replace(
        wanted.paths,
        regex=bool(reader.read(USE_REGEX, boolean)) or bool(whole),
        whole=bool(whole),
        ignore_case=bool(reader.read(IGNORE_CASE, boolean)),
    )


FEATURE: Final = Feature("Regex paths", (USE_REGEX, FULL_REGEX, IGNORE_CASE), read)
