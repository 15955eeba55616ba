"""The annotations `connection-policy-*` and `warmup`: limits of connections, and new Pods."""

from functools import partial
from typing import Final

from translators.dialects.annotations.feature import Feature, policy_feature
from translators.dialects.annotations.reader import Found, Key, Reader, own
from translators.dialects.annotations.values import integer, seconds
from translators.model.policy import Policy
from translators.policies.balancing import Warmup
from translators.policies.connections import (
    MaxConnections,
    MaxConnectionsOfPod,
    MaxRequestsOfConnection,
)

OF_SERVICE: Final = own(
    "connection-policy-tcp-max-connection",
    "the most connections of each Envoy to the Service; further requests wait for one; each worker "
    "of Envoy may have one in any case",
    default="no limit",
    example="100",
)

OF_POD: Final = own(
    "connection-policy-tcp-max-connection-per-endpoint",
    "the most connections of each Envoy to each Pod; further requests wait for one",
    default="no limit",
    example="50",
)

REQUESTS: Final = own(
    "connection-policy-http-max-request-per-connection",
    "the requests after which a connection to a Pod is closed",
    default="no limit",
    example="1000",
)

WARMUP: Final = own(
    "warmup",
    "seconds in which the share of a new Pod grows to that of the others; with the balancing "
    "`round_robin` or `least_conn`",
    example="30",
)

_MOST: Final = 1_000_000


def _limit(
    key: Key,
    make: type[MaxConnections | MaxConnectionsOfPod | MaxRequestsOfConnection],
    reader: Reader,
) -> Found[Policy] | None:
    read = integer(1, _MOST)
    return reader.find(key, lambda text: make(read(text)))


def _warmup(reader: Reader) -> Found[Policy] | None:
    read = seconds(1, 86_400)
    return reader.find(WARMUP, lambda text: Warmup(read(text)))


FEATURES: Final[tuple[Feature, ...]] = (
    policy_feature(
        "Connections to a Service", (OF_SERVICE,), partial(_limit, OF_SERVICE, MaxConnections)
    ),
    policy_feature("Connections to a Pod", (OF_POD,), partial(_limit, OF_POD, MaxConnectionsOfPod)),
    policy_feature(
        "Requests of a connection", (REQUESTS,), partial(_limit, REQUESTS, MaxRequestsOfConnection)
    ),
    policy_feature("Warm-up of Pods", (WARMUP,), _warmup),
)
