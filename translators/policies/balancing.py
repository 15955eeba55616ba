"""Balancing of a Service: how one of its Pods is chosen, and how new ones warm up."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from translators.envoy.parts import ClusterParts
from translators.model.balancing import Balancing
from translators.model.policy import Scope
from translators.policies.policy import EnvoyPolicy


@dataclass(frozen=True, slots=True)
class LoadBalancing(EnvoyPolicy):
    """Chooses a Pod of the Service in this way."""

    scope: ClassVar[Scope] = Scope.SERVICE
    balancing: Balancing

    def cluster(self, parts: ClusterParts) -> None:
        """Set the balancing of the Cluster."""
        parts.balancing = self.balancing


@dataclass(frozen=True, slots=True)
class Warmup(EnvoyPolicy):
    """Raises the share of a new Pod to that of the others in this time."""

    scope: ClassVar[Scope] = Scope.SERVICE
    time: timedelta

    def cluster(self, parts: ClusterParts) -> None:
        """Set the warm-up of the Cluster."""
        parts.warmup = self.time
