"""Hints of `fleetgate check` about Ingresses of the MSE dialect that are probably mistaken."""

import re
from collections.abc import Iterator
from typing import Final

from fleet.models import Ingress, by_position
from fleet.problem import Problem, Severity
from fleet.ref import Ref
from translators.dialects.mse.features import read_features
from translators.dialects.mse.regex_paths import USE_REGEX

_OF_PATTERNS: Final = re.compile(r"[\\*(|\[^]")
"""Characters of patterns that few paths have; `$` and `+` are in paths of some applications."""


def literal_paths(ref: Ref, ingress: Ingress) -> Iterator[Problem]:
    """Report paths that look like patterns and are none: their characters stand for themselves.

    The main rule decides how a path of a canary is read, so canaries have no such hint.
    """
    wanted, _ = read_features(ref, ingress.metadata.annotations, ingress.metadata.unread)
    if wanted.split is not None:
        return
    for i, rule in by_position(ingress.spec.rules):
        for j, path in by_position(rule.http.paths if rule.http else ()):
            if not _OF_PATTERNS.search(path.path) or wanted.paths.is_regex(path.path):
                continue
            key = f"spec.rules[{i}].http.paths[{j}].path"
            if path.path.endswith("/*"):
                meant = path.path.removesuffix("/*") or "/"
                expected = f"{meant} with pathType Prefix, for everything below it"
                effect = "the star stands for itself: no other path is met"
                yield _hint(ref, "LiteralStar", key, path.path, expected, effect)
            else:
                expected = f'{USE_REGEX.spellings[0]}: "true", if it is a pattern'
                effect = "it is no pattern: its characters stand for themselves"
                yield _hint(ref, "LiteralPattern", key, path.path, expected, effect)


def _hint(ref: Ref, reason: str, key: str, value: str, expected: str, effect: str) -> Problem:
    return Problem(ref, reason, key, value, expected, effect, severity=Severity.HINT)
