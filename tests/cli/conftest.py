"""A fleet for the commands to work on, and a running `fleetgate up` for those that ask one."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fleetgate.demo.loopback import Loopback
from tests.cli.commands import Staying
from tests.support.builders import ingress, mse_gateway, service, slice_of, write


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet without a problem: a gateway, a member, and one Ingress."""
    root = tmp_path / "fleet"
    write(root, "hub/gateway.yaml", mse_gateway("shop", members=["east"]))
    shop = ingress("web", host="shop.example").path("/", to="web:80").of_class("mse")
    write(root, "hub/web.yaml", shop)
    pods = slice_of("web", addresses=["127.0.0.9"])
    write(root, "clusters/east/web.yaml", service("web"), pods)
    return root


@pytest.fixture
def address() -> Iterator[str]:
    """A loopback address that no other test uses; so are those that follow it."""
    with closing(Loopback()) as block:
        yield next(iter(block.addresses("gateways")))


@pytest.fixture
def up(fleet: Path, address: str) -> Iterator[Staying]:
    """`fleetgate up` of the fleet, once its gateway listens."""
    with Staying.up(fleet, address) as running:
        yield running
