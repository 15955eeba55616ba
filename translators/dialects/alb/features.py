"""The features of the ALB dialect, and the reading of an Ingress's annotations by them.

`translators.dialects.alb.unsupported` lists the annotations that have no effect.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.listen_ports import LISTEN_PORTS, listen_ports
from translators.dialects.alb.unsupported import ALB_UNSUPPORTED, of_nginx_alone
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.closed import not_supported
from translators.dialects.annotations.cluster_weight import FEATURE as CLUSTER_WEIGHT
from translators.dialects.annotations.feature import Wanted
from translators.dialects.annotations.reader import ALB, NGINX, Reader
from translators.dialects.annotations.unsupported import Without
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.mse.features import FEATURES as MSE_FEATURES
from translators.model.listeners import ListenerPort

FEATURES: Final = (CANARY, CLUSTER_WEIGHT)

VOCABULARY: Final = Vocabulary(
    (ALB, NGINX),
    (LISTEN_PORTS, *(key for feature in FEATURES for key in feature.keys)),
    (
        *ALB_UNSUPPORTED,
        *of_nginx_alone(key for feature in MSE_FEATURES for key in feature.keys),
    ),
)


@dataclass(frozen=True, slots=True)
class AlbFeatures:
    """What the annotations of an Ingress ask for.

    `served` is False if nothing of the Ingress may be served. `ports` is None without
    `listen-ports`. `unserved` are the Services whose paths are not served.
    """

    served: bool
    ports: tuple[ListenerPort, ...] | None
    wanted: Wanted
    unserved: frozenset[str]
    problems: tuple[Problem, ...]


def read_alb_features(
    at: Ref, annotations: Mapping[str, str], unread: Collection[str] = ()
) -> AlbFeatures:
    """Read the annotations of an Ingress. `unread` are the keys whose value is no text."""
    reader = Reader(at, annotations, VOCABULARY.prefixes)
    wanted = Wanted()
    for feature in FEATURES:
        feature.read(reader, wanted)
    ports = reader.read(LISTEN_PORTS, listen_ports, Without.INGRESS.value)
    met = list(VOCABULARY.met(annotations, unread))
    is_asked = reader.has(LISTEN_PORTS) or not set(unread).isdisjoint(LISTEN_PORTS.spellings)
    unusable = ports is None and is_asked
    return AlbFeatures(
        served=not unusable and all(found.without is not Without.INGRESS for found in met),
        ports=ports,
        wanted=wanted,
        unserved=frozenset(found.rest for found in met if found.without is Without.PATHS),
        problems=(
            *reader.problems,
            *not_supported(at, met, is_canary=False),
            *VOCABULARY.unknown(at, annotations),
        ),
    )
