"""Active health checks: what Envoy asks the Pods of a Service by itself, and how often."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class CheckProtocol(StrEnum):
    """The protocol of a check. GRPC is asked of backends that speak HTTP/2."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    TCP = "TCP"
    GRPC = "GRPC"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check. `statuses` are ranges of good answers, whose ends are excluded.

    A Pod leaves after `failures` bad answers in a row, and is back after `successes` good ones. A
    `port` of 0 is that of the backend.
    """

    protocol: CheckProtocol = CheckProtocol.HTTP
    path: str = "/"
    method: str = "HEAD"
    statuses: tuple[tuple[int, int], ...] = ((200, 300),)
    timeout: timedelta = timedelta(seconds=5)
    interval: timedelta = timedelta(seconds=2)
    successes: int = 3
    failures: int = 3
    port: int = 0
