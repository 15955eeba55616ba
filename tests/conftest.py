"""Options, needs and rules that all tests share."""

import sys
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from fleetgate.errors import OperatorError
from fleetgate.local.envoy_process import find_envoy
from tests.support import kube
from tests.support.requirement import require


def pytest_configure() -> None:
    """No property is one of the clock: the machine may be busy."""
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-update",
        action="store_true",
        help="write the golden files of tests/golden anew instead of comparing with them",
    )


@pytest.fixture(autouse=True)
def no_blocking_call_in_the_event_loop() -> Iterator[None]:
    """A file read, a sleep or the like while streams are served is an error."""
    served = [
        "fleet.sources",
        "fleet.state",
        "fleetgate.http.admin",
        "fleetgate.core.control",
        "translators",
        "xds",
    ]
    with blockbuster_ctx(served) as guard:
        # grpc.aio joins its own thread when the last server goes.
        guard.functions["threading.Lock.acquire"].deactivate()
        yield


@pytest.fixture(scope="session")
def real_envoy() -> None:
    """An Envoy binary, and loopback addresses for its gateways."""
    require(None if sys.platform == "linux" else "only Linux answers to all of 127.0.0.0/8")
    try:
        find_envoy()
    except OperatorError as error:
        require(str(error))


@pytest.fixture(scope="session")
def api_servers() -> Iterator[kube.Clusters]:
    """Real API servers of this test process."""
    require(kube.available())
    with kube.clusters() as running:
        yield running


@pytest.fixture
def clusters(api_servers: kube.Clusters) -> Iterator[kube.Clusters]:
    """Real API servers, empty; what the test makes there is wiped."""
    yield api_servers
    api_servers.wipe()
