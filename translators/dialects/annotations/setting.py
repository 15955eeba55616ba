"""Annotations of a gateway's object are read; a default stands in for an unusable value."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.reader import Unusable

T = TypeVar("T")


def read_setting(
    at: Ref,
    annotations: Mapping[str, str],
    key: str,
    parse: Callable[[str], T],
    default: T,
    shown: str,
    problems: list[Problem],
) -> T:
    """Parse the value of an annotation, or give the default if it is absent, empty or unusable.

    `shown` is the default as the problem of an unusable value names it.
    """
    text = annotations.get(key, "").strip()
    try:
        return parse(text) if text else default
    except Unusable as e:
        effect = e.effect or f"{shown} holds"
        problems.append(Problem(at, "InvalidAnnotation", key, text, e.expected, effect))
        return default
