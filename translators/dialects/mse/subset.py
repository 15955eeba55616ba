"""The annotations `service-subset` and `subset-labels`: the preferred Pods of a Service.

All requests go to the subset while it has a usable Pod. Without one they go to the other Pods of
the Service, and return to the subset once it has a usable Pod again.
"""

from dataclasses import replace
from typing import Final

from translators.dialects.annotations.feature import rule_feature
from translators.dialects.annotations.reader import Reader, Unusable, own
from translators.dialects.annotations.values import lines, printable
from translators.model.actions import Forward
from translators.model.backends import CANARY_LABEL, Subset
from translators.model.bounds import MAX_LABELS
from translators.model.rules import Rule

NAME: Final = own(
    "service-subset",
    "name of the subset; alone it selects the Pods labelled `opensergo.io/canary-NAME: NAME`, and "
    "`base` those without such a label",
    default="all Pods",
    example="base",
)

LABELS: Final = own(
    "subset-labels",
    "lines of a label and its value that a Pod of the subset has; the label "
    "`topology.istio.io/cluster` is the member's ID",
    default="all Pods",
    example="topology.istio.io/cluster one",
)

MEMBER_LABEL: Final = "topology.istio.io/cluster"


def parse(reader: Reader) -> Subset | None:
    """Read the subset. The name counts only if there are no usable labels."""
    name = reader.read(NAME, printable)
    labels = reader.read(LABELS, _labels)
    if labels is not None:
        return labels
    if reader.is_empty(NAME) or name == "base":
        return Subset(base=True)
    if name is not None:
        return Subset(labels=((f"{CANARY_LABEL}-{name}", name),))
    return None


def _labels(text: str) -> Subset:
    member = ""
    labels: dict[str, str] = {}
    for line in lines(text, MAX_LABELS):
        words = line.split()
        if len(words) != 2:
            raise Unusable("lines of a label's key, a blank and its value")
        key, value = words
        if key == MEMBER_LABEL and not member:
            member = value
        elif key == MEMBER_LABEL or labels.setdefault(key, value) != value:
            raise Unusable(f"one value for {key}")
    return Subset(member, tuple(sorted(labels.items())))


def _apply(rule: Rule, subset: Subset) -> Rule:
    if not isinstance(rule.action, Forward):
        return rule
    return replace(rule, action=rule.action.each(lambda b: b._replace(subset=subset)))


FEATURE: Final = rule_feature("Subset of a Service", (NAME, LABELS), parse, _apply)
