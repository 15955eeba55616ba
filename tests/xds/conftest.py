"""Fixtures with a cache and its clients: `rig` for all rigs and variants, others for some."""

from collections.abc import Iterator

import pytest

from tests.xds.rigs import GrpcRig, MachineRig, Rig


@pytest.fixture(params=["delta", "sotw", "delta over gRPC", "sotw over gRPC"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    protocol, _, over = request.param.partition(" over ")
    rig = GrpcRig(protocol) if over else MachineRig(protocol)
    yield rig
    rig.close()


@pytest.fixture(params=["delta", "delta over gRPC"])
def delta_world(request: pytest.FixtureRequest) -> Iterator[Rig]:
    rig = GrpcRig("delta") if "gRPC" in request.param else MachineRig("delta")
    yield rig
    rig.close()


@pytest.fixture(params=["delta", "sotw"])
def machine(request: pytest.FixtureRequest) -> MachineRig:
    return MachineRig(request.param)


@pytest.fixture
def delta() -> MachineRig:
    return MachineRig("delta")


@pytest.fixture
def sotw() -> MachineRig:
    return MachineRig("sotw")
