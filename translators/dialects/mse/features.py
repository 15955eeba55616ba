"""The features of the MSE dialect, and the reading of an Ingress's annotations by them."""

from collections.abc import Collection, Mapping
from typing import Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.dialects.annotations.canary import FEATURE as CANARY
from translators.dialects.annotations.closed import close, not_supported
from translators.dialects.annotations.feature import Wanted
from translators.dialects.annotations.reader import HIGRESS, MSE, NGINX, Reader
from translators.dialects.annotations.vocabulary import Vocabulary
from translators.dialects.mse.backend_protocol import FEATURE as BACKEND_PROTOCOL
from translators.dialects.mse.client_certificates import FEATURE as CLIENT_CERTIFICATES
from translators.dialects.mse.destination import FEATURE as DESTINATION
from translators.dialects.mse.https_redirect import FEATURE as HTTPS_REDIRECT
from translators.dialects.mse.passthrough import FEATURE as PASSTHROUGH
from translators.dialects.mse.subset import FEATURE as SUBSET
from translators.dialects.mse.tls_settings import CIPHERS_FEATURE as TLS_CIPHERS
from translators.dialects.mse.tls_settings import VERSIONS_FEATURE as TLS_VERSIONS
from translators.dialects.mse.unsupported import MSE_UNSUPPORTED

FEATURES: Final = (
    DESTINATION,  # replaces the backends, so it precedes the features that change backends
    SUBSET,
    BACKEND_PROTOCOL,
    CANARY,
    HTTPS_REDIRECT,
    TLS_VERSIONS,
    TLS_CIPHERS,
    CLIENT_CERTIFICATES,  # behind CANARY: a canary has the access rules of its main
    PASSTHROUGH,
)
"""All features, in the order in which they change a rule."""

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
    reader = Reader(at, annotations, VOCABULARY.prefixes)
    for feature in FEATURES:
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
