"""Every feature of the MSE dialect, in the order in which they change a rule."""

from collections.abc import Mapping
from typing import Any, Final

from fleet.problem import Problem
from fleet.ref import Ref
from translators.annotations import canary, destination, subset
from translators.annotations.feature import Change, Feature
from translators.annotations.reader import Key, Reader, own, shared

FEATURES: Final[tuple[Feature[Any], ...]] = (  # each has options of its own type
    destination.FEATURE,  # replaces the backends, so before what narrows them
    subset.FEATURE,
    canary.FEATURE,
)

_SHARED_LATER: Final = """
affinity affinity-mode app-root auth-realm auth-secret auth-secret-type auth-tls-secret
auth-type backend-protocol cors-allow-credentials cors-allow-headers cors-allow-methods
cors-allow-origin cors-expose-headers cors-max-age custom-http-errors default-backend
denylist-source-range enable-cors force-ssl-redirect load-balance permanent-redirect
permanent-redirect-code proxy-connect-timeout proxy-next-upstream
proxy-next-upstream-timeout proxy-next-upstream-tries proxy-read-timeout proxy-send-timeout
proxy-ssl-name proxy-ssl-secret proxy-ssl-server-name proxy-ssl-verify rewrite-target
server-alias session-cookie-expires session-cookie-max-age session-cookie-name
session-cookie-path ssl-cipher ssl-redirect temporal-redirect upstream-hash-by
upstream-vhost use-regex whitelist-source-range
"""
_OWN_LATER: Final = """
blacklist-source-range connection-policy-http-max-request-per-connection
connection-policy-tcp-max-connection connection-policy-tcp-max-connection-per-endpoint
domain-blacklist-source-range domain-whitelist-source-range mirror-percentage
mirror-target-service request-header-control-add request-header-control-remove
request-header-control-update response-header-control-add response-header-control-remove
response-header-control-update route-limit-burst-multiplier route-limit-rpm route-limit-rps
timeout tls-max-protocol-version tls-min-protocol-version warmup
"""

LATER: Final[tuple[Key, ...]] = (
    *(shared(name) for name in _SHARED_LATER.split()),
    *(own(name) for name in _OWN_LATER.split()),
)
"""Keys of the dialect that have no effect yet: their users are told so."""

_LATER_SPELLINGS: Final = frozenset(spelling for key in LATER for spelling in key.spellings)


def read_features(
    at: Ref, annotations: Mapping[str, str]
) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
    """What the annotations change in each rule of their Ingress, and what is wrong with them."""
    reader = Reader(at, annotations)
    changes = [feature.change(reader) for feature in FEATURES]
    later = [
        Problem(at, "NotSupported", key, value, "a later version of fleetgate", "no effect yet")
        for key, value in annotations.items()
        if key in _LATER_SPELLINGS
    ]
    return tuple(change for change in changes if change), (*reader.problems, *later)
