"""Annotations of a gateway's object: where a value is unusable, its default holds."""

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
    """Parse the value; `shown` is the default for people. None and "" are the default."""
    text = annotations.get(key, "").strip()
    try:
        return parse(text) if text else default
    except Unusable as e:
        effect = e.effect or f"{shown} holds"
        problems.append(Problem(at, "InvalidAnnotation", key, text, e.expected, effect))
        return default
