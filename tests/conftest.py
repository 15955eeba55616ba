"""Options and needs that several folders of tests share."""

import sys

import pytest

from fleetgate.envoy import find_envoy
from fleetgate.errors import OperatorError
from tests.support.requirement import require


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-update",
        action="store_true",
        help="write the golden files of tests/golden anew instead of comparing with them",
    )


@pytest.fixture(scope="session")
def real_envoy() -> None:
    """An Envoy binary, and loopback addresses for its gateways."""
    require(None if sys.platform == "linux" else "only Linux answers to all of 127.0.0.0/8")
    try:
        find_envoy()
    except OperatorError as error:
        require(str(error))
