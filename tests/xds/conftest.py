"""Fixtures with a cache and its clients: `world` for all rigs and variants, others for some."""

from collections.abc import Iterator

import pytest

from tests.xds.rigs import GrpcWorld, MachineWorld, World


@pytest.fixture(params=["delta", "sotw", "delta over gRPC", "sotw over gRPC"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    protocol, _, over = request.param.partition(" over ")
    world = GrpcWorld(protocol) if over else MachineWorld(protocol)
    yield world
    world.close()


@pytest.fixture(params=["delta", "delta over gRPC"])
def delta_world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = GrpcWorld("delta") if "gRPC" in request.param else MachineWorld("delta")
    yield world
    world.close()


@pytest.fixture(params=["delta", "sotw"])
def machine(request: pytest.FixtureRequest) -> MachineWorld:
    return MachineWorld(request.param)


@pytest.fixture
def delta() -> MachineWorld:
    return MachineWorld("delta")


@pytest.fixture
def sotw() -> MachineWorld:
    return MachineWorld("sotw")
