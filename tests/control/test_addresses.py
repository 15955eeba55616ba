"""All gateways listen on one address, or on one address each where they share a host."""

import asyncio

import pytest

from fleet.events import Deleted, Listed, Upserted
from fleet.ref import HUB, Ref
from fleetgate.core.addresses import Addresses
from fleetgate.core.control import ControlPlane, ControlSettings
from tests.control.rig import Said
from translators.dialects.mse.objects import MseIngressConfig
from xds.cache import SnapshotCache

ONE, TWO, THREE = (Ref(HUB, "MseIngressConfig", "", name) for name in ("one", "two", "three"))


def declared(gateway: Ref) -> Upserted:
    manifest = {"metadata": {"name": gateway.name}}
    return Upserted(gateway, MseIngressConfig.model_validate(manifest))


async def bound(
    settings: ControlSettings, *turns: tuple[Upserted | Deleted, ...]
) -> dict[Ref, str]:
    """Return the addresses of gateways after these events."""
    source = Said()
    control = ControlPlane(source, SnapshotCache(), settings)
    running = asyncio.create_task(control.run())
    async with asyncio.timeout(20):
        await source.say(Listed(HUB))
        for events in turns:
            await source.say(*events)
            await control.settle()
    running.cancel()
    await asyncio.wait([running])
    return {ref: bind.address for ref, bind in control.gateways.items()}


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param([[TWO], [THREE], [ONE]], id="as-they-came"),
        pytest.param([[ONE, THREE, TWO]], id="after-a-restart"),
    ],
)
def test_gateways_on_hosts_of_their_own_all_listen_on_the_same_address(
    turns: list[list[Ref]],
) -> None:
    settings = ControlSettings(bind="192.0.2.1")
    found = asyncio.run(bound(settings, *(tuple(map(declared, refs)) for refs in turns)))

    assert found == dict.fromkeys([ONE, TWO, THREE], "192.0.2.1")


def test_on_one_host_a_gateway_keeps_its_address_while_it_lives() -> None:
    settings = ControlSettings(bind="127.0.0.1", one_host=True)
    turns = (declared(TWO),), (declared(THREE),), (Deleted(TWO), declared(ONE))

    assert asyncio.run(bound(settings, *turns)) == {ONE: "127.0.0.1", THREE: "127.0.0.2"}


@pytest.mark.parametrize("one_host", [True, False])
@pytest.mark.parametrize("address", ["0.0.0.0", "::"])  # noqa: S104 (nobody listens)
def test_all_share_an_unspecified_address(address: str, *, one_host: bool) -> None:
    found = Addresses(address, one_host=one_host).assign([TWO, ONE])

    assert found == {ONE: address, TWO: address}
