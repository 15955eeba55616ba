"""The hub that statuses and events are written to."""

import pytest

from tests.support.kube import Cluster, Clusters


@pytest.fixture
def hub(clusters: Clusters) -> Cluster:
    clusters.hub.install_crds()
    return clusters.hub
