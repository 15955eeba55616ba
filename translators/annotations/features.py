"""Every feature of the MSE dialect, in the order in which they change a rule."""

from collections.abc import Mapping
from typing import Any, Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations import canary, destination, subset
from translators.annotations.feature import Change, Feature
from translators.annotations.reader import Reader

FEATURES: Final[tuple[Feature[Any], ...]] = (  # each has options of its own type
    destination.FEATURE,  # replaces the backends, so before what narrows them
    subset.FEATURE,
    canary.FEATURE,
)


def read_features(
    at: Ref, annotations: Mapping[str, str]
) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """What the annotations change in each rule of their Ingress, and what is wrong with them."""
    reader = Reader(at, annotations)
    changes = [feature.change(reader) for feature in FEATURES]
    return tuple(change for change in changes if change), tuple(reader.problems)
