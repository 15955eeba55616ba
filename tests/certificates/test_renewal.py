"""New credentials while clients are connected, and while they connect."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from envoy_data_plane.envoy.service.discovery import v3 as discovery
from grpc import aio

from fleetgate.certificates.credential import Credential
from fleetgate.certificates.shown import Shown
from tests.certificates.served import (
    DAY,
    NOW,
    PATIENCE,
    SERVER,
    Served,
    ask,
    authority,
    channel,
    envoy,
    serial,
    served,
    unusable,
    write,
)
from tests.xds.dialogue import AGGREGATED
from xds.listening import UnusableCredentials
from xds.resource import TypeUrl
from xds.server import ServerSettings

OWN = authority()
TRUST = OWN.pair.certificate
CLIENT = Credential(OWN.client("spiffe://fleetgate/gateway/mse/shop", NOW, DAY), TRUST)
AT_ONCE = ServerSettings(handover=timedelta())
LATER = ServerSettings(handover=timedelta(hours=1))


def new() -> Credential:
    return Credential(OWN.server([SERVER], NOW, DAY), TRUST)


class Connected:
    """A client that stays, and what it was told."""

    def __init__(self, call: "aio.StreamStreamCall[bytes, bytes]") -> None:
        self.call = call

    async def told(self) -> discovery.DeltaDiscoveryResponse:
        data = await self.call.read()
        assert isinstance(data, bytes), "the stream has ended"
        response = discovery.DeltaDiscoveryResponse.parse(data)
        answer = discovery.DeltaDiscoveryRequest(
            type_url=response.type_url, response_nonce=response.nonce
        )
        await self.call.write(bytes(answer))
        return response


@asynccontextmanager
async def connected(xds: Served) -> AsyncIterator[Connected]:
    options = [("grpc.ssl_target_name_override", SERVER), ("grpc.use_local_subchannel_pool", 1)]
    place = aio.secure_channel(f"127.0.0.1:{xds.port}", channel(CLIENT), options)
    async with place, asyncio.timeout(PATIENCE):
        call: aio.StreamStreamCall[bytes, bytes] = place.stream_stream(AGGREGATED["delta"])(
            wait_for_ready=True
        )
        asking = discovery.DeltaDiscoveryRequest(type_url=TypeUrl.SCOPED_ROUTE)
        await call.write(bytes(asking))
        client = Connected(call)
        await client.told()
        yield client


def test_streams_go_on_while_new_connections_are_shown_the_new_certificate() -> None:
    async def story() -> None:
        shown = Shown(new())
        async with served(shown, LATER) as xds, connected(xds) as client:
            for answer in ("second", "third"):
                shown.replace(new())
                await xds.presents(serial(shown.credential), CLIENT)
                xds.publish(answer)
                assert (await client.told()).resources

    asyncio.run(story())


def test_streams_end_in_order_and_within_the_handover() -> None:
    async def story() -> None:
        shown = Shown(new())
        async with served(shown, AT_ONCE) as xds, connected(xds) as client:
            shown.replace(new())
            assert await client.call.read() is aio.EOF
            assert await client.call.code() is grpc.StatusCode.OK
            async with connected(xds):
                assert len(xds.cache.clients()) == 1

    asyncio.run(story())


def test_clients_that_connect_meanwhile_are_served_at_the_second_try_at_the_latest() -> None:
    """The first one may come to the old server in the moment in which it leaves."""

    async def come(port: int) -> bool:
        tries = [await ask(port, channel(CLIENT), patient=True) for _ in range(2)]
        return any(answer.names == {"http"} for answer in tries)

    async def story() -> None:
        shown = Shown(new())
        async with served(shown, LATER) as xds:
            for _ in range(5):
                shown.replace(new())
                assert all(await asyncio.gather(*(come(xds.port) for _ in range(20))))

    asyncio.run(story())


def test_credentials_that_grpc_cannot_use_leave_all_as_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        good = new()
        shown = Shown(good)
        async with served(shown, AT_ONCE) as xds, connected(xds) as client:
            with caplog.at_level(logging.WARNING, "fleetgate"):
                shown.replace(unusable(TRUST))
                await xds.presents(serial(good), CLIENT)
                xds.publish("second")
                assert (await client.told()).resources
                shown.replace(new())
                await xds.presents(serial(shown.credential), CLIENT)
        assert caplog.messages == [
            "gRPC cannot serve with this certificate and key; "
            "xDS goes on with the certificate that it had"
        ]

    asyncio.run(story())


def test_credentials_that_grpc_cannot_use_are_no_start() -> None:
    async def story() -> None:
        with pytest.raises(UnusableCredentials):
            async with served(Shown(unusable(TRUST))):
                pass

    asyncio.run(story())


@pytest.mark.usefixtures("real_envoy")
def test_envoy_comes_over_and_is_sent_nothing_that_it_has(tmp_path: Path) -> None:
    async def story() -> None:
        shown = Shown(new())
        write(tmp_path, CLIENT)
        async with (
            served(shown, AT_ONCE) as xds,
            envoy(xds.port, tmp_path, server_name=SERVER) as joining,
        ):
            await xds.joined()
            sent = xds.cache.traffic()[TypeUrl.LISTENER]
            shown.replace(new())
            await xds.until(lambda: len(xds.shown) == 2)
            await xds.joined()
            assert xds.cache.traffic()[TypeUrl.LISTENER].resources == sent.resources
            xds.publish("second")
            await joining.answers("second")

    asyncio.run(story())
