"""Fixtures of the tests of the installation."""

from collections.abc import Iterator

import pytest

from tests.deploy.attaching import fill_in_token, finish_deletion
from tests.deploy.rendered import NAMESPACE
from tests.support.kube import Clusters


@pytest.fixture
def fleet(clusters: Clusters) -> Iterator[Clusters]:
    """A hub with fleetgate's namespace, and c1, which is ready to be attached."""
    clusters.hub.namespace(NAMESPACE)
    fill_in_token(clusters.c1)
    yield clusters
    finish_deletion(clusters.c1)
