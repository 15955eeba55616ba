"""Certificates are made and renewed, with one authority for all replicas."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from fleet.kubernetes.connection import Unreached
from fleetgate.certificates.made import MadeCertificates
from fleetgate.certificates.pair import parse_pair
from fleetgate.certificates.roots import Roots
from fleetgate.certificates.secret import Kept
from fleetgate.errors import OperatorError
from tests.certificates.served import (
    DAY,
    NOW,
    SETTINGS,
    SHOP,
    Clock,
    MemoryStore,
    authority,
    made,
)


def test_the_first_makes_the_authority_and_the_others_share_it() -> None:
    async def story() -> None:
        store = MemoryStore()
        first = await made(store)
        second = await made(store)
        assert len(store.writes) == 1
        assert first.trust == second.trust == store.writes[0].bundle

    asyncio.run(story())


def test_whoever_writes_later_takes_what_was_written() -> None:
    theirs = Roots((authority(),))

    class Late(MemoryStore):
        """Somebody else writes between our read and our write."""

        async def write(self, roots: Roots, over: Kept | None) -> bool:
            if self.roots is None:
                self.roots, self.version = theirs, 1
            return await super().write(roots, over)

    async def story() -> None:
        assert (await made(Late())).trust == theirs.bundle

    asyncio.run(story())


def test_a_start_waits_for_the_store(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(MemoryStore):
        reads = 0

        async def read(self) -> Kept | None:
            self.reads += 1
            if self.reads < 3:
                raise Unreached("https://hub: Connection refused")
            return await super().read()

    async def story() -> None:
        store = Slow()
        assert (await made(store)).trust
        assert store.reads == 3

    with caplog.at_level(logging.WARNING, "fleetgate"):
        asyncio.run(story())
    assert caplog.messages == [
        "https://hub: Connection refused; xDS waits for its certificates",
    ]


def test_a_start_does_not_wait_where_it_is_refused() -> None:
    with pytest.raises(OperatorError, match="forbidden"):
        asyncio.run(made(MemoryStore(fails=OperatorError("forbidden"))))


def test_a_gateways_certificate_is_the_same_until_it_is_due() -> None:
    async def story() -> None:
        clock = Clock()
        certificates = await made(clock=clock)
        first = certificates.client_of(SHOP)
        clock.now += 59 * DAY
        assert certificates.client_of(SHOP) is first
        clock.now += DAY
        assert certificates.client_of(SHOP) != first

    asyncio.run(story())


def test_a_restart_keeps_the_certificate_that_a_gateway_holds() -> None:
    async def story() -> None:
        store = MemoryStore()
        held = (await made(store)).client_of(SHOP)
        restarted = await made(store)
        assert restarted.client_of(SHOP, held) is held

    asyncio.run(story())


def test_what_a_gateway_that_is_gone_had_is_not_renewed() -> None:
    async def story() -> None:
        clock = Clock()
        certificates = await made(clock=clock)
        first = certificates.client_of(SHOP)
        heard: list[None] = []
        certificates.on_change(lambda: heard.append(None))
        certificates.forget(SHOP)
        clock.now += 61 * DAY
        await certificates.refresh()
        assert heard == []
        assert certificates.client_of(SHOP).pair != first.pair

    asyncio.run(story())


def test_who_keeps_certificates_hears_when_there_are_new_ones() -> None:
    async def story() -> None:
        clock = Clock()
        certificates = await made(clock=clock)
        certificates.client_of(SHOP)
        heard: list[bytes] = []
        certificates.on_change(lambda: heard.append(certificates.client_of(SHOP).pair.certificate))
        await certificates.refresh()
        assert heard == []
        clock.now += 61 * DAY
        await certificates.refresh()
        await certificates.refresh()
        assert heard == [certificates.client_of(SHOP).pair.certificate]

    asyncio.run(story())


def test_a_new_authority_of_another_replica_is_taken_over() -> None:
    async def story() -> None:
        store = MemoryStore()
        certificates = await made(store)
        held = certificates.client_of(SHOP)
        heard: list[None] = []
        certificates.on_change(lambda: heard.append(None))
        assert store.roots
        store.roots = Roots((*store.roots.authorities, authority(NOW + timedelta(hours=2))))
        await certificates.refresh()
        assert certificates.trust == store.roots.bundle
        assert certificates.client_of(SHOP).pair == held.pair
        assert certificates.client_of(SHOP).trust == store.roots.bundle
        assert heard == [None]

    asyncio.run(story())


def test_a_deleted_authority_is_followed_by_a_new_one() -> None:
    async def story() -> None:
        store = MemoryStore()
        certificates = await made(store)
        old, held = certificates.trust, certificates.client_of(SHOP)
        store.roots, store.version = None, 0
        await certificates.refresh()
        assert certificates.trust == store.writes[-1].bundle != old
        assert certificates.client_of(SHOP, held).pair != held.pair

    asyncio.run(story())


def test_a_lost_store_is_logged_once_and_certificates_are_renewed_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        store, clock = MemoryStore(), Clock()
        certificates = await made(store, clock)
        end = certificates.shown.expires
        store.fails = Unreached("https://hub: Connection refused")
        clock.now += 61 * DAY
        await certificates.refresh()
        await certificates.refresh()
        assert certificates.shown.expires == end + 61 * DAY
        store.fails = None
        await certificates.refresh()
        store.fails = Unreached("https://hub: Connection refused")
        await certificates.refresh()

    with caplog.at_level(logging.WARNING, "fleetgate"):
        asyncio.run(story())
    said = (
        "https://hub: Connection refused; "
        "the authority of xDS certificates stays as it was read before"
    )
    assert caplog.messages == [said, said]


def test_it_keeps_looking() -> None:
    async def story() -> None:
        store, clock = MemoryStore(), Clock()
        settings = replace(SETTINGS, every=timedelta(milliseconds=1))
        certificates = await MadeCertificates.open(store, settings, clock)
        certificates.client_of(SHOP)
        renewed = asyncio.Event()
        certificates.on_change(renewed.set)
        running = asyncio.create_task(certificates.run())
        async with asyncio.timeout(10):
            for _ in range(2):
                clock.now += 61 * DAY
                await renewed.wait()
                renewed.clear()
        running.cancel()

    asyncio.run(story())


def test_the_servers_certificate_has_the_names_that_it_was_told() -> None:
    async def story() -> None:
        store = MemoryStore()
        settings = replace(SETTINGS, names=("a.svc", "10.0.0.1"))
        certificates = await MadeCertificates.open(store, settings, Clock())
        names = parse_pair(certificates.shown.credential.pair).extensions
        assert "a.svc" in str(names)
        assert "10.0.0.1" in str(names)

    asyncio.run(story())
