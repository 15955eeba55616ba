"""A fleet as API servers declare it."""

from fleet.sources.kubernetes.source import KubernetesSource

__all__ = ["KubernetesSource"]
