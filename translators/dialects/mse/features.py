"""The features of the MSE dialect, and the reading of an Ingress's annotations by them."""

from collections.abc import Collection, Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.backend_protocol import backend_protocol
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.closed import close, not_supported, of_canary
from translators.dialects.annotations.cluster_weight import FEATURE as CLUSTER_WEIGHT
from translators.dialects.annotations.cors import cors
from translators.dialects.annotations.feature import FeatureList, Wanted
from translators.dialects.annotations.reader import HIGRESS, MSE, NGINX, Reader, shared
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.mse.aliases import FEATURE as ALIASES
from translators.dialects.mse.answers import FEATURE as ANSWERS
from translators.dialects.mse.app_root import FEATURE as APP_ROOT
from translators.dialects.mse.backend_headers import FEATURE as BACKEND_HEADERS
from translators.dialects.mse.backend_tls import FEATURE as BACKEND_TLS
from translators.dialects.mse.balancing import FEATURE as BALANCING
from translators.dialects.mse.basic_auth import FEATURE as BASIC_AUTH
from translators.dialects.mse.body_size import FEATURE as BODY_SIZE
from translators.dialects.mse.client_certificates import FEATURE as CLIENT_CERTIFICATES
from translators.dialects.mse.connections import FEATURES as CONNECTIONS
from translators.dialects.mse.default_backend import FEATURE as DEFAULT_BACKEND
from translators.dialects.mse.destination import FEATURE as DESTINATION
from translators.dialects.mse.external_auth import FEATURE as EXTERNAL_AUTH
from translators.dialects.mse.header_control import FEATURE as HEADER_CONTROL
from translators.dialects.mse.https_redirect import FEATURE as HTTPS_REDIRECT
from translators.dialects.mse.match import FEATURE as MATCH
from translators.dialects.mse.mirror import FEATURE as MIRROR
from translators.dialects.mse.passthrough import FEATURE as PASSTHROUGH
from translators.dialects.mse.rate_limits import CLIENT_FEATURE as CLIENT_LIMITS
from translators.dialects.mse.rate_limits import ROUTE_FEATURE as ROUTE_LIMITS
from translators.dialects.mse.redirects import FEATURE as REDIRECT
from translators.dialects.mse.regex_paths import FEATURE as REGEX_PATHS
from translators.dialects.mse.retries import FEATURE as RETRIES
from translators.dialects.mse.rewrite import BACKEND_HOST, REWRITE
from translators.dialects.mse.sources import HOST_FEATURE as HOST_SOURCES
from translators.dialects.mse.sources import ROUTE_FEATURE as ROUTE_SOURCES
from translators.dialects.mse.subset import FEATURE as SUBSET
from translators.dialects.mse.timeouts import FEATURES as TIMEOUTS
from translators.dialects.mse.tls_settings import CIPHERS_FEATURE as TLS_CIPHERS
from translators.dialects.mse.tls_settings import VERSIONS_FEATURE as TLS_VERSIONS
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

FEATURES: Final = (
    DESTINATION,  # replaces the backends, so it precedes the features that change backends
    SUBSET,
    backend_protocol(shared),
    CANARY,
    DEFAULT_BACKEND,  # its protocol and its Pods are not those of the rules' backends
    CLUSTER_WEIGHT,  # counts for all backends that the features before it have named
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
    cors(shared, 1_728_000),
    ROUTE_SOURCES,
    HOST_SOURCES,
    CLIENT_LIMITS,
    BASIC_AUTH,
    EXTERNAL_AUTH,
    BODY_SIZE,
    ROUTE_LIMITS,
    *TIMEOUTS,
    RETRIES,
    BALANCING,
    MIRROR,
    BACKEND_TLS,
    *CONNECTIONS,
    ANSWERS,
    TLS_VERSIONS,
    TLS_CIPHERS,
    CLIENT_CERTIFICATES,  # behind CANARY: a canary has the access rules of its main
    PASSTHROUGH,
)
"""All features, in the order in which they change a rule."""

_BY_KEY: Final = FeatureList(FEATURES)

_ACCESS: Final = frozenset(
    spelling
    for feature in FEATURES
    if any(key.restricts for key in feature.keys)
    for key in feature.keys
    for spelling in key.spellings
)
"""The annotations of features that restrict access. A canary's have no effect."""

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
    idle = _ACCESS & annotations.keys() if is_canary else frozenset[str]()
    problems = (
        *(problem for problem in reader.problems if problem.key not in idle),
        *not_supported(at, met, is_canary=is_canary),
        *of_canary(at, {key: annotations[key] for key in sorted(idle)}),
        *VOCABULARY.unknown(at, annotations),
    )
    return wanted, problems
