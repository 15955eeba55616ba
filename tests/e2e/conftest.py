"""Requirements of the end-to-end tests on the machine."""

import sys

import pytest

from fleetgate.errors import OperatorError
from fleetgate.local.envoy_process import find_envoy
from tests.support.requirement import require


@pytest.fixture(autouse=True, scope="session")
def _envoy() -> None:
    require(None if sys.platform == "linux" else "only Linux answers to all of 127.0.0.0/8")
    try:
        find_envoy()
    except OperatorError as error:
        require(str(error))
