"""The annotations of timeouts: of a request, of an idle connection, and of a new one to a Pod."""

from typing import Final

from translators.dialects.annotations.feature import Feature, policy_feature
from translators.dialects.annotations.reader import Found, Reader, own, shared
from translators.dialects.annotations.values import YEAR, seconds
from translators.model.policy import Policy
from translators.policies.timeouts import ConnectTimeout, IdleTimeout, RequestTimeout

TIMEOUT: Final = own(
    "timeout",
    "seconds that a request may take with all its retries; 504 then; `0` is no limit",
    default="no limit",
    example="30",
)

READ: Final = shared(
    "proxy-read-timeout",
    "seconds in which neither the client nor the backend sends anything; 504 then; a WebSocket is "
    "closed",
    default="`fleetgate.dev/stream-idle-timeout` of the gateway",
    differs="for both directions together; 300 s by default",
    example="60",
)

SEND: Final = shared(
    "proxy-send-timeout",
    "the same, where `proxy-read-timeout` is absent",
    default="`fleetgate.dev/stream-idle-timeout` of the gateway",
    differs="only where `proxy-read-timeout` is absent",
    example="60",
)

CONNECT: Final = shared(
    "proxy-connect-timeout",
    "seconds in which a Pod must accept a connection; another Pod is asked then; for the Service",
    default="`fleetgate.dev/connect-timeout` of the gateway",
    differs="250 ms by default; it holds for the whole Service",
    example="1",
)


def _request(reader: Reader) -> Found[Policy] | None:
    read = seconds(0, YEAR)
    return reader.find(TIMEOUT, lambda text: RequestTimeout(read(text)))


def _idle(reader: Reader) -> Found[Policy] | None:
    read = seconds(1, YEAR)
    limits: list[Found[Policy] | None] = [
        reader.find(key, lambda text: IdleTimeout(read(text))) for key in (READ, SEND)
    ]
    return next(filter(None, limits), None)


def _connect(reader: Reader) -> Found[Policy] | None:
    read = seconds(1, YEAR)
    return reader.find(CONNECT, lambda text: ConnectTimeout(read(text)))


FEATURES: Final[tuple[Feature, ...]] = (
    policy_feature("Timeout of a request", (TIMEOUT,), _request),
    policy_feature("Timeout of an idle connection", (READ, SEND), _idle),
    policy_feature("Timeout of a new connection to a Pod", (CONNECT,), _connect),
)
