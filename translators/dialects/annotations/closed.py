"""Paths are closed if an annotation without effect yet restricts access to them.

Such an annotation limits who may send requests, or narrows the requests that a rule takes, and is
not carried out or cannot be read. Without it, requests would reach backends that it protects. So
the paths stay with the Ingress and are answered with 503. A canary takes its access rules from its
main rule; a canary with an annotation that narrows it takes no request.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.feature import Wanted
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.vocabulary import Met
from translators.model.actions import FixedResponse
from translators.model.canaries import Split
from translators.model.rules import Rule

CLOSED: Final = FixedResponse(
    503, "closed: an annotation restricts this path in a way that the gateway does not support\n"
)

_INSTEAD: Final = {Without.NEVER: "to do without it", Without.OPEN: "an annotation of ALB"}

_CLOSING: Final = frozenset({Without.CLOSED, Without.NARROWED})


def close(met: Sequence[Met], wanted: Wanted) -> None:
    """Close the paths of an Ingress if an annotation demands it. Call it after all features."""
    closing = (wanted.unusable | {annotation.without for annotation in met}) & _CLOSING
    if closing and wanted.split is None:
        wanted.changes.append(_closed)
    elif Without.NARROWED in closing:
        wanted.split = Split()


def not_supported(at: Ref, met: Iterable[Met], *, is_canary: bool) -> Iterator[Problem]:
    """Report the annotations that have no effect."""
    for key, value, without, rest in met:
        if without is Without.TUNING:
            continue
        expected = _INSTEAD.get(without, "a later version of fleetgate")
        effect = without.value.format(rest)
        if without is Without.CLOSED:
            effect = "no effect: the main rule's hold" if is_canary else effect
        elif without is Without.NARROWED:
            effect = Without.narrowed(is_canary=is_canary)
        yield Problem(at, "NotSupported", key, value, expected, effect)


def _closed(rule: Rule) -> Rule:
    return replace(rule, action=CLOSED, restricted=True)
