"""Limits on the connections to a Service."""

from dataclasses import dataclass
from typing import ClassVar

from translators.envoy.parts import ClusterParts
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class MaxConnections(EnvoyPolicy):
    """Bounds the connections of each Envoy to the Service. Further requests wait for one."""

    scope: ClassVar[Scope] = Scope.SERVICE
    number: int

    def cluster(self, parts: ClusterParts) -> None:
        """Set the circuit breaker of the Cluster."""
        parts.limits.put("max_connections", self.number)


@dataclass(frozen=True, slots=True)
class MaxConnectionsOfPod(EnvoyPolicy):
    """Bounds the connections of each Envoy to each Pod of the Service."""

    scope: ClassVar[Scope] = Scope.SERVICE
    number: int

    def cluster(self, parts: ClusterParts) -> None:
        """Set the circuit breaker of each Pod."""
        parts.pod_limits.put("max_connections", self.number)


@dataclass(frozen=True, slots=True)
class MaxRequestsOfConnection(EnvoyPolicy):
    """Closes a connection to a Pod after so many requests."""

    scope: ClassVar[Scope] = Scope.SERVICE
    number: int

    def cluster(self, parts: ClusterParts) -> None:
        """Set the option of connections."""
        parts.connections.put("max_requests_per_connection", self.number)
