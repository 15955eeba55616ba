"""The rig of the partition tests does what a broken link does: packets vanish, nothing else."""

import asyncio
from datetime import timedelta

import pytest

from fleetgate.demo.http import Address, Question
from fleetgate.demo.load import Tally, ask
from tests.support.netns import available, namespace
from tests.support.requirement import require

PORT = 8080


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    require(available())


def tally(address: Address, n: int = 20) -> Tally:
    patience = timedelta(seconds=0.3)
    return asyncio.run(ask(address, Question("/"), n, connections=2, patience=patience))


def test_a_backend_behind_the_link_answers() -> None:
    with namespace() as host, host.backend(PORT, env="far", member="m"):
        assert tally((host.address, PORT)).lines == {"This is env far !": 20}


def test_dropped_packets_make_connections_hang_until_healed() -> None:
    with namespace() as host, host.backend(PORT, env="far", member="m"):
        host.drop(PORT)
        assert tally((host.address, PORT), n=2).failures == {"no answer in 0.3 s": 2}
        host.heal()
        assert not tally((host.address, PORT)).failures


def test_only_the_dropped_port_is_cut_off() -> None:
    with (
        namespace() as host,
        host.backend(PORT, env="cut", member="m"),
        host.backend(PORT + 1, env="well", member="m"),
    ):
        host.drop(PORT)
        assert not tally((host.address, PORT + 1)).failures


def test_two_hosts_have_addresses_of_their_own() -> None:
    with namespace() as one, namespace() as other:
        assert one.address != other.address
        with one.backend(PORT, env="one", member="a"), other.backend(PORT, env="two", member="b"):
            one.drop(PORT)
            assert tally((other.address, PORT)).lines == {"This is env two !": 20}
