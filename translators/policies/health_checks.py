"""Active health checks of a Service's Pods."""

from dataclasses import dataclass
from typing import ClassVar

from translators.envoy.parts import ClusterParts
from translators.model.health_checks import HealthCheck
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class HealthChecks(EnvoyPolicy):
    """Asks each Pod of the Service whether it is usable, in this way."""

    scope: ClassVar[Scope] = Scope.SERVICE
    check: HealthCheck

    def cluster(self, parts: ClusterParts) -> None:
        """Set the check of the Cluster."""
        parts.check = self.check
