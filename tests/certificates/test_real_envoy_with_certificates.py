"""A real Envoy with our bootstrap joins by mutual TLS and follows renewal, or gets nothing."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from fleetgate.certificates.credential import Credential
from fleetgate.certificates.roots import Roots
from tests.certificates.served import (
    DAY,
    NOW,
    SHOP,
    Clock,
    MemoryStore,
    authority,
    envoy,
    made,
    serial,
    served,
    write,
)

pytestmark = pytest.mark.usefixtures("real_envoy")

SHOP_URI = "spiffe://fleetgate/gateway/mse/shop"


def test_envoy_with_its_certificate_is_served(tmp_path: Path) -> None:
    async def story() -> None:
        certificates = await made()
        write(tmp_path, certificates.client_of(SHOP))
        async with served(certificates.shown) as xds, envoy(xds.port, tmp_path) as joining:
            await xds.joined()
            await joining.answers("first")
            (client,) = xds.cache.clients()
            assert (client.node_id, client.group) == ("envoy-1", SHOP)

    asyncio.run(story())


def _foreign(roots: Roots) -> Credential:
    return Credential(authority().client(SHOP_URI, NOW, 90 * DAY), roots.bundle)


def _expired(roots: Roots) -> Credential:
    pair = roots.authorities[0].client(SHOP_URI, NOW - 100 * DAY, 90 * DAY)
    return Credential(pair, roots.bundle)


def _servers(roots: Roots) -> Credential:
    return Credential(roots.authorities[0].server(["shop"], NOW, DAY), roots.bundle)


def _deceived(roots: Roots) -> Credential:
    """Its own certificate is right, but it trusts somebody else."""
    pair = roots.authorities[0].client(SHOP_URI, NOW, DAY)
    return Credential(pair, authority().pair.certificate)


@pytest.mark.parametrize(
    "credential",
    [
        pytest.param(_foreign, id="signed-by-somebody-else"),
        pytest.param(_expired, id="expired"),
        pytest.param(_servers, id="made-for-a-server"),
        pytest.param(_deceived, id="trusts-somebody-else"),
    ],
)
def test_envoy_with_a_wrong_certificate_gets_nothing(
    credential: Callable[[Roots], Credential], tmp_path: Path
) -> None:
    async def story() -> None:
        store = MemoryStore()
        certificates = await made(store)
        assert store.roots
        write(tmp_path, credential(store.roots))
        async with served(certificates.shown) as xds, envoy(xds.port, tmp_path) as joining:
            await joining.reaches("cluster.fleetgate_xds.upstream_cx_total", 2)
            assert xds.shown == []
            assert await joining.envoy.get("/listeners") == ""

    asyncio.run(story())


def test_envoy_without_tls_gets_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        certificates = await made()
        async with (
            served(certificates.shown) as xds,
            envoy(xds.port, tmp_path, tls=False) as joining,
        ):
            await joining.reaches("cluster.fleetgate_xds.upstream_cx_total", 2)
            assert xds.shown == []
            assert await joining.envoy.get("/listeners") == ""

    asyncio.run(story())


def test_envoy_that_says_another_gateway_than_its_certificate_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        certificates = await made()
        write(tmp_path, certificates.client_of("mse/other"))
        async with served(certificates.shown) as xds, envoy(xds.port, tmp_path) as joining:
            await joining.reaches("cluster.fleetgate_xds.upstream_rq_total", 2)
            assert xds.shown
            assert xds.cache.clients() == ()
            assert await joining.envoy.get("/listeners") == ""
        log = (tmp_path / "envoy.log").read_text()
        assert (
            "node 'envoy-1' asks for gateway 'mse/shop', but its certificate is for 'mse/other'"
            in log
        )

    asyncio.run(story())


def test_envoy_refuses_a_server_of_another_name(tmp_path: Path) -> None:
    async def story() -> None:
        certificates = await made()
        write(tmp_path, certificates.client_of(SHOP))
        async with (
            served(certificates.shown) as xds,
            envoy(xds.port, tmp_path, server_name="elsewhere.test.svc") as joining,
        ):
            await joining.reaches("cluster.fleetgate_xds.ssl.fail_verify_san", 2)
            assert xds.shown == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param("tls", id="as-fleetgate-certificate-writes"),
        pytest.param("config", id="as-a-secret-and-a-configmap"),
    ],
)
def test_renewed_certificates_are_used_without_losing_the_stream(
    documents: str, tmp_path: Path
) -> None:
    async def story() -> None:
        clock = Clock(NOW - 61 * DAY)
        certificates = await made(clock=clock)
        old = certificates.client_of(SHOP)
        write(tmp_path, old, documents)
        async with (
            served(certificates.shown) as xds,
            envoy(xds.port, tmp_path, documents=documents) as joining,
        ):
            await xds.joined()
            clock.now = NOW
            await certificates.refresh()
            new = certificates.client_of(SHOP)
            write(tmp_path, new, documents)
            await joining.shows(serial(new))

            await xds.presents(serial(certificates.shown.credential), new)
            xds.publish("second")
            await joining.answers("second")
            assert xds.shown == [serial(old)], "the stream is the one of before"

            await xds.restart()
            await xds.until(lambda: len(xds.shown) > 1)
            await xds.joined()
            xds.publish("third")
            await joining.answers("third")
            assert set(xds.shown[1:]) == {serial(new)}
            assert joining.envoy.starts == 1

    asyncio.run(story())


def _more(found: Sequence[int], than: int) -> bool:
    return len(found) > than


def test_a_new_authority_takes_over_and_envoy_can_always_come_back(tmp_path: Path) -> None:
    first, second = authority(NOW - 1000 * DAY), authority(NOW - 100 * DAY)

    async def story() -> None:
        clock, store = Clock(NOW - 50 * DAY), MemoryStore(Roots((first,)), version=1)
        certificates = await made(store, clock)
        write(tmp_path, certificates.client_of(SHOP))
        async with served(certificates.shown) as xds, envoy(xds.port, tmp_path) as joining:
            await xds.joined()
            for count, trusted in enumerate([(first, second), (second,)], start=2):
                clock.now = NOW
                store.roots = Roots(trusted)
                await certificates.refresh()
                client = certificates.client_of(SHOP)
                write(tmp_path, client)
                await joining.reaches("sds.certificate.update_success", count)
                await joining.reaches("sds.trust.update_success", count)
                before = len(xds.shown)
                await xds.restart()
                await xds.until(partial(_more, xds.shown, before))
                await xds.joined()
                assert set(xds.shown[before:]) == {serial(client)}
            xds.publish("second")
            await joining.answers("second")

    asyncio.run(story())
