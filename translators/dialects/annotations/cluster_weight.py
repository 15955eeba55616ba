"""The annotations `cluster-weight.ID`: the share of each member in the requests of an Ingress."""

from dataclasses import replace
from typing import Final

from fleet.ref import Ref
from translators.dialects.annotations.feature import Change, Feature, Wanted
from translators.dialects.annotations.reader import ALB, FLEETGATE, Key, Reader
from translators.dialects.annotations.values import integer
from translators.model.actions import Forward
from translators.model.bounds import MAX_WEIGHTS
from translators.model.member_weights import MemberWeight, MemberWeights
from translators.model.rules import Rule

WEIGHT: Final = Key(
    "cluster-weight.",
    (FLEETGATE, ALB),
    "share of the member NAME in the requests to all Services of the Ingress, in percent, whatever "
    "the number of its Pods; `0` drains the member, and a member without a weight stands by",
    default="all Pods of all members share the requests",
    example="one 100",
    family=True,
)

_AS_WITHOUT: Final = "all Pods of all attached clusters share the requests"

_weight: Final = integer(0, 100)


def read(reader: Reader, wanted: Wanted) -> None:
    """Read the weights. One that cannot be used is left out, and reported."""
    keys = [key for key in reader.members(WEIGHT) if reader.has(key)]
    if not keys:
        return
    if len(keys) > MAX_WEIGHTS:
        spelling, text = reader.written(keys[0])
        expected = f"at most {MAX_WEIGHTS} annotations cluster-weight, not {len(keys)}"
        reader.report("InvalidAnnotation", spelling, text, expected, _AS_WITHOUT)
        return
    entries = []
    for key in keys:
        found = reader.find(key, _weight, "the weight is left out")
        if found is not None:
            member = key.name.removeprefix(WEIGHT.name)
            entries.append(MemberWeight(member, found.value, found.spelling))
    wanted.weights = MemberWeights(tuple(entries))
    wanted.changes.append(_weighted_by(reader.at))
    if len(entries) == len(keys):
        _check_sum(reader, entries)


def _check_sum(reader: Reader, entries: list[MemberWeight]) -> None:
    total = sum(entry.weight for entry in entries)
    if total != 100:
        expected = f"weights that add up: cluster-weight sum is {total}, must be 100"
        effect = "the numbers count as ratios" if total else _AS_WITHOUT
        first = entries[0]
        reader.report("ClusterWeightSum", first.key, str(first.weight), expected, effect)


def _weighted_by(ingress: Ref) -> Change:
    def change(rule: Rule) -> Rule:
        if not isinstance(rule.action, Forward):
            return rule
        weighted = rule.action.each(lambda backend: backend._replace(weighted_by=ingress))
        return replace(rule, action=weighted)

    return change


FEATURE: Final = Feature("Weights of members", (WEIGHT,), read)
