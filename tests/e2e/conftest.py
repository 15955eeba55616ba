"""Requirements of the end-to-end tests on the machine, and a fleet that several files test."""

import sys
from collections.abc import Iterator

import pytest

from fleetgate.errors import OperatorError
from fleetgate.local.envoy_process import find_envoy
from tests.e2e.standing import Standing, standing
from tests.e2e.weighted import Weighted, weighted_site
from tests.support.requirement import require


@pytest.fixture(autouse=True, scope="session")
def _envoy() -> None:
    require(None if sys.platform == "linux" else "only Linux answers to all of 127.0.0.0/8")
    try:
        find_envoy()
    except OperatorError as error:
        require(str(error))


@pytest.fixture(scope="module")
def _standing_trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing[Weighted]]:
    with standing(weighted_site(tmp_path_factory.mktemp("weighted"))) as site:
        yield site


@pytest.fixture
def trio(_standing_trio: Standing[Weighted]) -> Standing[Weighted]:
    """Return a fleet of three members with all of their Pods, behind a gateway of each flavour."""
    _standing_trio.run(_standing_trio.value.usual())
    return _standing_trio
