"""The source that reads a fleet from the API servers of its hub and members."""

from fleet.sources.kubernetes.source import KubernetesSource

__all__ = ["KubernetesSource"]
