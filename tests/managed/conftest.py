"""A hub with fleetgate's namespace and the definitions of gateways."""

import pytest

from tests.managed.rig import NAMESPACE, Hub
from tests.support.kube import Clusters


@pytest.fixture
def hub(clusters: Clusters) -> Hub:
    clusters.hub.install_crds()
    clusters.hub.namespace(NAMESPACE)
    return Hub(clusters.hub)
