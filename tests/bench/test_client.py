"""The client of the benchmarks gets exactly the declared resources, in both dialects."""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.client import SOURCES, Client, Failed, build
from fleet.ref import HUB
from fleetgate.demo.fleet import DemoFleet
from tests.support.builders import Builder, ingress, mse_gateway, service, slice_of, write
from tests.support.process import Fleetgate, fleetgate
from tests.support.requirement import require

HOSTS = 3


@pytest.fixture(scope="module")
def go() -> None:
    require(None if shutil.which("go") else "the client is a Go program: install Go")


@pytest.fixture(scope="module")
def client(go: None) -> Client:
    return build()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleetgate]:
    """Serve a directory fleet with the first hosts of the benchmarks' load."""
    place = tmp_path_factory.mktemp("bench")
    fleet = DemoFleet.create(place / "fleet", ["c1"])
    write(fleet.directory(HUB), "gateway.yaml", mse_gateway("bench", members=["c1"]))
    for n in range(HOSTS):
        name = f"s{n:06}"
        rule = ingress(name, host=f"h{n:06}.load.example").path("/", to=f"{name}:80")
        pods = slice_of(name, addresses=[f"10.0.0.{n + 1}"])
        _write(fleet, HUB, rule.of_class("mse"))
        _write(fleet, "c1", service(name), pods)
    ports = ("--xds-port=0", "--admin-port=0")
    with fleetgate(place / "log", "serve", fleet.root, *ports) as running:
        running.until(lambda: "xDS on" in running.text)
        yield running


def _write(fleet: DemoFleet, directory: str, *objects: Builder[Any]) -> None:  # of any kinds
    placed = [one.in_namespace("load-000") for one in objects]
    write(fleet.directory(directory), f"{objects[0].name}.yaml", *placed)


@pytest.mark.parametrize("delta", ["true", "false"], ids=["delta", "state-of-the-world"])
def test_the_client_holds_all_hosts_and_their_endpoints(
    client: Client, serving: Fleetgate, delta: str
) -> None:
    joining = (f"-xds=127.0.0.1:{serving.xds_port}", f"-pid={serving.process.pid}")
    outcome = client.run("hold", *joining, f"-held={HOSTS},{HOSTS}", f"-delta={delta}")

    assert outcome.numbers["bytes"] > 0
    assert outcome.numbers["rss_mib"] > 10


def test_the_clients_own_tests_pass(go: None) -> None:
    subprocess.run(["go", "test", "./..."], cwd=SOURCES, check=True)


def test_a_client_without_control_plane_says_so(client: Client) -> None:
    with pytest.raises(Failed, match="connection refused"):
        client.run("hold", "-xds=127.0.0.1:1", "-held=0,0")
