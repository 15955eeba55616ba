"""The annotation `order`: which Ingresses are asked first, whatever their paths."""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import Feature, Wanted
from translators.dialects.annotations.reader import Found, Reader, alb
from translators.dialects.annotations.values import integer
from translators.model.rules import DEFAULT_ORDER, Rule

MAX_ORDER: Final = 1000

ORDER: Final = alb(
    "order",
    f"1 to {MAX_ORDER}: rules with a smaller one are asked first, whatever their paths; a canary "
    "has that of its main",
    default=str(DEFAULT_ORDER),
    example="5",
)


def read(reader: Reader, wanted: Wanted) -> None:
    """Put the rules of the Ingress at their place."""
    found = reader.find(ORDER, integer(1, MAX_ORDER), f"{DEFAULT_ORDER} holds")
    if found is not None and wanted.split is None:
        wanted.changes.append(lambda rule: _placed(rule, found))


def _placed(rule: Rule, found: Found[int]) -> Rule:
    return replace(rule, order=found.value, order_key=found.spelling)


FEATURE: Final = Feature("Order of rules", (ORDER,), read)
