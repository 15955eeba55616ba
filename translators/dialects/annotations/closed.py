"""Paths are closed if an annotation without effect restricts access to them.

Such an annotation limits who may send requests, or narrows the requests that a rule takes, and is
not carried out or cannot be read. Without it, requests would reach backends that it protects. So
the paths stay with the Ingress and are answered with 503. A canary takes its access rules from its
main rule; a canary with an annotation that narrows it takes no request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fleet.problem import Problem, Severity
from fleet.ref import Ref
from translators.dialects.annotations.feature import Wanted
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.vocabulary import Met, explained
from translators.model.actions import FixedResponse
from translators.model.canaries import Split
from translators.model.rules import Rule

CLOSED: Final = FixedResponse(
    503, "closed: an annotation restricts this path in a way that the gateway does not support\n"
)

_CLOSING: Final = frozenset({Without.CLOSED, Without.NARROWED})


def close(met: Sequence[Met], wanted: Wanted) -> None:
    """Close the paths of an Ingress if an annotation demands it. Call it after all features."""
    closing = (wanted.unusable | {annotation.without for annotation in met}) & _CLOSING
    if closing and wanted.split is None:
        wanted.changes.append(closed)
    elif Without.NARROWED in closing:
        wanted.split = Split()


def not_supported(at: Ref, met: Iterable[Met], *, is_canary: bool) -> Iterator[Problem]:
    """Report the annotations that have no effect."""
    for found in met:
        if found.without.is_quiet:
            continue
        of_alb = "an annotation of ALB" if found.without is Without.OPEN else ""
        expected = found.instead or of_alb or "to do without it"
        effect = found.without.value
        if found.without is Without.CLOSED and is_canary:
            effect = "no effect: the main rule's hold"
        reason = "" if is_canary and found.without is Without.CLOSED else found.reason
        yield Problem(
            at, "NotSupported", found.key, found.value, expected, explained(effect, reason)
        )


def of_canary(at: Ref, access: Mapping[str, str]) -> Iterator[Problem]:
    """Report the annotations by which a canary restricts access: only those of its main hold."""
    for key, value in access.items():
        yield Problem(
            at,
            "CanaryAccessRule",
            key,
            value,
            "an annotation of the main Ingress",
            "no effect: the main rule's hold",
            severity=Severity.HINT,
        )


def closed(rule: Rule) -> Rule:
    """Change a rule so that nobody may use it."""
    return replace(rule, action=CLOSED, restricted=True)
