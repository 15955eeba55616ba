"""The features of the MSE dialect, and the reading of an Ingress's annotations by them."""

from collections.abc import Collection, Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.closed import close, not_supported
from translators.dialects.annotations.feature import FeatureList, Wanted
from translators.dialects.annotations.reader import HIGRESS, MSE, NGINX, Reader
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.mse.aliases import FEATURE as ALIASES
from translators.dialects.mse.answers import FEATURE as ANSWERS
from translators.dialects.mse.app_root import FEATURE as APP_ROOT
from translators.dialects.mse.backend_headers import FEATURE as BACKEND_HEADERS
from translators.dialects.mse.backend_protocol import FEATURE as BACKEND_PROTOCOL
from translators.dialects.mse.destination import FEATURE as DESTINATION
from translators.dialects.mse.header_control import FEATURE as HEADER_CONTROL
from translators.dialects.mse.https_redirect import FEATURE as HTTPS_REDIRECT
from translators.dialects.mse.match import FEATURE as MATCH
from translators.dialects.mse.redirects import FEATURE as REDIRECT
from translators.dialects.mse.regex_paths import FEATURE as REGEX_PATHS
from translators.dialects.mse.rewrite import BACKEND_HOST, REWRITE
from translators.dialects.mse.subset import FEATURE as SUBSET
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

FEATURES: Final = (
    DESTINATION,  # replaces the backends, so it precedes the features that change backends
    SUBSET,
    BACKEND_PROTOCOL,
    CANARY,
    HTTPS_REDIRECT,
    MATCH,
    REDIRECT,
    APP_ROOT,
    ALIASES,
    REGEX_PATHS,
    REWRITE,  # a target with groups makes the paths patterns, whatever use-regex says
    BACKEND_HOST,
    HEADER_CONTROL,
    BACKEND_HEADERS,
    ANSWERS,
)
"""All features, in the order in which they change a rule."""

_BY_KEY: Final = FeatureList(FEATURES)

VOCABULARY: Final = Vocabulary(
    (NGINX, MSE, HIGRESS),
    (key for feature in FEATURES for key in feature.keys),
    MSE_UNSUPPORTED,
)


def read_features(
    at: Ref, annotations: Mapping[str, str], unread: Collection[str] = ()
) -> tuple[Wanted, tuple[Problem, ...]]:
    """Read what the annotations of an Ingress ask for, and their problems.

    `unread` are the keys whose value is no text.
    """
    wanted = Wanted()
    if not annotations and not unread:
        return wanted, ()
    reader = Reader(at, annotations, VOCABULARY.prefixes, unread)
    for feature in _BY_KEY.of((*annotations, *unread)):
        feature.read(reader, wanted)
    met = list(VOCABULARY.met(annotations, unread))
    is_canary = wanted.split is not None
    close(met, wanted)
    problems = (
        *reader.problems,
        *not_supported(at, met, is_canary=is_canary),
        *VOCABULARY.unknown(at, annotations),
    )
    return wanted, problems
