"""Timeouts of requests and of connections to backends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from translators.envoy.parts import ClusterParts, RouteParts
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class RequestTimeout(EnvoyPolicy):
    """Bounds the time from the end of a request to the end of its response, with all retries.

    The client then gets 504. A limit of 0 is no limit.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    limit: timedelta

    def route(self, parts: RouteParts) -> None:
        """Set the timeout of the route."""
        parts.action.put("timeout", self.limit)


@dataclass(frozen=True, slots=True)
class IdleTimeout(EnvoyPolicy):
    """Bounds the time in which neither the client nor the backend sends anything.

    The client then gets 504. It overrides the limit of the gateway.
    """

    scope: ClassVar[Scope] = Scope.ROUTE
    limit: timedelta

    def route(self, parts: RouteParts) -> None:
        """Set the idle timeout of the route."""
        parts.action.put("idle_timeout", self.limit)


@dataclass(frozen=True, slots=True)
class ConnectTimeout(EnvoyPolicy):
    """Bounds the time in which a Pod of the Service must accept a connection."""

    scope: ClassVar[Scope] = Scope.SERVICE
    limit: timedelta

    def cluster(self, parts: ClusterParts) -> None:
        """Set the timeout of new connections."""
        parts.cluster.put("connect_timeout", self.limit)
