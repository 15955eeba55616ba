"""Every feature of the MSE dialect, in the order in which they change a rule."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.closed import closing, not_supported
from translators.dialects.annotations.feature import Change, Feature
from translators.dialects.annotations.reader import HIGRESS, MSE, NGINX, Reader
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.mse.destination import FEATURE as DESTINATION
from translators.dialects.mse.subset import FEATURE as SUBSET
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

FEATURES: Final[tuple[Feature[Any], ...]] = (  # each has options of its own type
    DESTINATION,  # replaces the backends, so before what narrows them
    SUBSET,
    CANARY,
)

VOCABULARY: Final = Vocabulary(
    (NGINX, MSE, HIGRESS),
    (key for feature in FEATURES for key in feature.keys),
    MSE_UNSUPPORTED,
)


def read_features(
    at: Ref, annotations: Mapping[str, str], unread: Collection[str] = ()
) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """What the annotations change in each rule of their Ingress, and what is wrong with them.

    `unread` are those whose value is no text.
    """
    if not annotations and not unread:
        return (), ()
    reader = Reader(at, annotations)
    changes = {feature.name: feature.change(reader) for feature in FEATURES}
    is_canary = changes[CANARY.name] is not None
    met = list(VOCABULARY.met(annotations, unread))
    problems = (
        *reader.problems,
        *not_supported(at, met, is_canary=is_canary),
        *VOCABULARY.unknown(at, annotations),
    )
    # What closes paths comes last, for it replaces what answers.
    return tuple(change for change in (*changes.values(), closing(met)) if change), problems
