"""The features of the ALB dialect, and the reading of an Ingress's annotations by them.

`translators.dialects.alb.unsupported` lists the annotations that have no effect.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.alb.actions import ACTIONS, MAX_AGE
from translators.dialects.alb.actions import FEATURE as ACTIONS_OF_SERVICES
from translators.dialects.alb.answers import FEATURE as RULES_ABOUT_ANSWERS
from translators.dialects.alb.balancing import SCHEDULERS, STICKY_SESSIONS
from translators.dialects.alb.conditions import CONDITIONS
from translators.dialects.alb.conditions import FEATURE as CONDITIONS_OF_SERVICES
from translators.dialects.alb.health_checks import FEATURE as HEALTH_CHECKS
from translators.dialects.alb.https_redirect import FEATURE as HTTPS_REDIRECT
from translators.dialects.alb.limits import ANSWERS as ANSWERS_OF_LIMITS
from translators.dialects.alb.limits import FEATURE as LIMITS
from translators.dialects.alb.listen_ports import LISTEN_PORTS, listen_ports
from translators.dialects.alb.order import FEATURE as ORDER
from translators.dialects.alb.regex_paths import REGEX, REWRITE
from translators.dialects.alb.unsupported import ALB_UNSUPPORTED, of_nginx_alone
from translators.dialects.annotations.backend_protocol import backend_protocol
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.canary import WEIGHT
from translators.dialects.annotations.closed import not_supported
from translators.dialects.annotations.cluster_weight import FEATURE as CLUSTER_WEIGHT
from translators.dialects.annotations.cors import cors
from translators.dialects.annotations.feature import FeatureList, OfService, Wanted
from translators.dialects.annotations.reader import ALB, NGINX, Key, Reader, alb
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.mse.features import FEATURES as MSE_FEATURES
from translators.model.actions import Forward
from translators.model.listeners import ListenerPort

FEATURES: Final = (
    backend_protocol(alb),
    CANARY,
    ORDER,  # behind CANARY: a canary has the order of its main
    HTTPS_REDIRECT,
    REGEX,
    REWRITE,
    cors(alb, MAX_AGE),
    LIMITS,
    STICKY_SESSIONS,
    SCHEDULERS,
    HEALTH_CHECKS,
    CONDITIONS_OF_SERVICES,
    RULES_ABOUT_ANSWERS,
    ACTIONS_OF_SERVICES,  # they count before annotations that ask for the same
    ANSWERS_OF_LIMITS,  # it counts for the limits of actions too
    CLUSTER_WEIGHT,
)
"""All features, in the order in which they change a rule."""

_BY_KEY: Final = FeatureList(FEATURES)

_NOT_SERVED: Final = "the Ingress is not served"

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
    `listen-ports`.
    """

    served: bool
    ports: tuple[ListenerPort, ...] | None
    wanted: Wanted
    problems: tuple[Problem, ...]


def read_alb_features(
    at: Ref, annotations: Mapping[str, str], unread: Collection[str] = ()
) -> AlbFeatures:
    """Read the annotations of an Ingress. `unread` are the keys whose value is no text."""
    reader = Reader(at, annotations, VOCABULARY.prefixes, unread)
    wanted = Wanted()
    for feature in _BY_KEY.of((*annotations, *unread)):
        feature.read(reader, wanted)
    ports = reader.read(LISTEN_PORTS, listen_ports, _NOT_SERVED)
    met = list(VOCABULARY.met(annotations, unread))
    is_asked = reader.has(LISTEN_PORTS) or not set(unread).isdisjoint(LISTEN_PORTS.spellings)
    unusable = ports is None and is_asked
    contradicted = tuple(_contradictions(reader, wanted))
    return AlbFeatures(
        served=not unusable and not contradicted,
        ports=ports,
        wanted=wanted,
        problems=(
            *reader.problems,
            *contradicted,
            *not_supported(at, met, is_canary=False),
            *VOCABULARY.unknown(at, annotations),
        ),
    )


def _contradictions(reader: Reader, wanted: Wanted) -> Iterator[Problem]:
    """Report annotations of a canary that cannot stand beside others."""
    if wanted.split is None:
        return
    groups = [f"{ACTIONS.name}{name}" for name, of in wanted.of_services.items() if _is_group(of)]
    excluded: dict[Key, str] = dict.fromkeys(reader.members(CONDITIONS), "canary") | {
        key: WEIGHT.name
        for key in reader.members(ACTIONS)
        if key.name in groups and wanted.split.weight
    }
    for key, beside in excluded.items():
        spelling, text = reader.written(key)
        yield Problem(
            reader.at,
            "InvalidAnnotation",
            spelling,
            text,
            f"no {beside} beside it",
            _NOT_SERVED,
        )


def _is_group(of: OfService) -> bool:
    return isinstance(of.action, Forward)
